from poseterior.data.synthesis import fingerprint


def test_comments_docstrings_and_layout_do_not_count_but_code_does():
    plain = 'def f(x):\n    """Double."""\n    return 2 * x\n'
    commented = "# note\ndef f(\n    x,\n):\n    # why\n    return 2 * x\n"
    changed = "def f(x):\n    return 3 * x\n"
    assert fingerprint._code(plain) == fingerprint._code(commented)
    assert fingerprint._code(plain) != fingerprint._code(changed)


def test_digest_reads_files_of_every_pattern():
    assert all(list(fingerprint._PACKAGE.glob(pattern)) for pattern in fingerprint._PATTERNS)
    names = {path.stem for path in (fingerprint._PACKAGE / "data" / "synthesis").glob("*.py")}
    assert names >= fingerprint._STORAGE
    assert len(fingerprint.code_digest()) == 64
