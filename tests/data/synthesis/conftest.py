import pytest


@pytest.fixture(scope="session")
def template():
    """The body; built where this machine has none yet, which takes most of a minute."""
    pytest.importorskip("anny", reason='bodies need anny: pip install "poseterior[synth]"')
    from poseterior.data.synthesis.template import load_template

    return load_template()
