"""Where things are drawn, what hides what, and what must do no harm."""

import numpy as np
import pytest
from _solids import NO_SUN, quad, rays, sphere, sphere_depth_m, triangles

from poseterior.data.synthesis.lattice import lattice_corners, lattice_shape
from poseterior.data.synthesis.mesh import Light, Material, Mesh, Pattern, PictureCamera
from poseterior.data.synthesis.normals import vertex_normals
from poseterior.data.synthesis.rasterise import rasterise
from poseterior.data.synthesis.render import draw
from poseterior.data.synthesis.surface import surface

CAMERA = PictureCamera(100.0, (29.3, 21.6), 60, 44)
SUN = Light((0.48, -0.64, -0.6), (0.9, 0.8, 0.7), (0.3, 0.4, 0.5), (0.2, 0.1, 0.1))
SLANTED_NORMAL, SLANTED_OFFSET_M = np.array([0.5, -0.3, 1.0]), 2.0


def at_pixel(camera, x_px, y_px, z_m=2.0):
    centre = np.asarray(camera.principal_px)
    return np.append((np.array([x_px, y_px]) - centre) / camera.focal_px, 1.0) * z_m


def around_pixel(camera, x_px, y_px, radius_px=0.3, **paint):
    """A triangle in the plane z = 2 m whose corners are `radius_px` from a point of the picture."""
    angles = np.radians([90.0, 210.0, 330.0])
    x, y = x_px + radius_px * np.cos(angles), y_px + radius_px * np.sin(angles)
    return triangles([[at_pixel(camera, *corner) for corner in zip(x, y, strict=True)]], **paint)


def slanted_plane(**paint):
    """The plane n . p = 2 m, larger than the picture."""
    corners = [(-2.0, -2.0), (-2.0, 2.0), (2.0, 2.0), (2.0, -2.0)]
    return quad([(x, y, SLANTED_OFFSET_M - 0.5 * x + 0.3 * y) for x, y in corners], **paint)


@pytest.mark.parametrize("principal_px", [(29.3, 21.6), (-200.0, 500.0)])
def test_point_is_drawn_at_the_pixel_that_the_camera_projects_it_to(principal_px):
    camera = PictureCamera(100.0, principal_px, 60, 44)
    point_m = at_pixel(camera, 7, 3)
    np.testing.assert_allclose(camera.project(point_m), (7.0, 3.0), atol=1e-9)
    drawing = draw([around_pixel(camera, 7, 3, object_id=4)], camera, NO_SUN)
    assert np.argwhere(drawing.object_id).tolist() == [[3, 7]]
    assert drawing.object_id[3, 7] == 4
    assert drawing.depth_m[3, 7] == pytest.approx(2.0, rel=1e-6)
    assert drawing.coverage.sum() == drawing.coverage[3, 7] == 0.5


def test_point_between_four_pixels_colours_all_of_them_and_is_at_the_centre_of_none():
    drawing = draw([around_pixel(CAMERA, 7.5, 3.5)], CAMERA, NO_SUN)
    assert not drawing.object_id.any()
    assert np.isinf(drawing.depth_m).all()
    assert np.argwhere(drawing.coverage).tolist() == [[3, 7], [3, 8], [4, 7], [4, 8]]
    np.testing.assert_array_equal(drawing.coverage[3:5, 7:9], 0.125)
    np.testing.assert_allclose(drawing.colour[3, 7], 0.125 * 0.5, rtol=1e-6)


def test_depth_of_a_slanted_plane_is_exact_at_pixel_centres():
    drawing = draw([slanted_plane()], CAMERA, NO_SUN)
    expected_m = SLANTED_OFFSET_M / (rays(CAMERA) @ SLANTED_NORMAL)
    assert expected_m.max() / expected_m.min() > 1.3
    np.testing.assert_allclose(drawing.depth_m, expected_m, rtol=1e-5)


def test_surface_over_the_whole_picture_covers_all_of_it():
    drawing = draw([slanted_plane(object_id=3)], CAMERA, NO_SUN)
    np.testing.assert_array_equal(drawing.coverage, 1.0)
    np.testing.assert_array_equal(drawing.object_id, 3)
    np.testing.assert_allclose(drawing.colour, 0.5, rtol=1e-6)


def test_points_and_material_coordinates_are_perspective_correct():
    mesh = slanted_plane()
    corners = lattice_corners(mesh.vertices_m, CAMERA)
    seen = rasterise(corners, mesh.faces, *lattice_shape(CAMERA), staggered=True)
    normals = vertex_normals(mesh.vertices_m, mesh.faces)
    found = surface(seen.face, corners, mesh.faces, mesh.vertices_m, normals, 3.0 * mesh.vertices_m)
    row, column = np.nonzero(seen.face >= 0)
    sample_px = np.stack([column - 0.5 + 0.5 * (row % 2), 0.5 * row - 0.5], axis=1)
    np.testing.assert_allclose(CAMERA.project(found.points_m), sample_px, atol=1e-3)
    np.testing.assert_allclose(found.points_m @ SLANTED_NORMAL, SLANTED_OFFSET_M, atol=1e-5)
    np.testing.assert_allclose(found.material_m, 3.0 * found.points_m, atol=1e-5)


def test_silhouette_of_a_sphere_has_the_area_of_its_ellipse():
    camera = PictureCamera(150.0, (40.3, 38.6), 80, 80)
    drawing = draw([sphere((0.0, 0.0, 3.0), 0.6)], camera, NO_SUN)
    radius_px = 150.0 * 0.6 / np.sqrt(3.0**2 - 0.6**2)
    assert drawing.coverage.sum() == pytest.approx(np.pi * radius_px**2, rel=3e-3)
    distance_px = np.hypot(*(np.indices((80, 80))[::-1] - np.reshape(camera.principal_px, (2, 1, 1))))
    np.testing.assert_array_equal(drawing.coverage[distance_px < radius_px - 1.0], 1.0)
    np.testing.assert_array_equal(drawing.coverage[distance_px > radius_px + 1.0], 0.0)
    np.testing.assert_array_equal(drawing.object_id > 0, np.isfinite(drawing.depth_m))


def test_depth_of_a_sphere_off_the_axis():
    centre_m, radius_m = (0.3, -0.2, 2.0), 0.3
    drawing = draw([sphere(centre_m, radius_m)], CAMERA, NO_SUN)
    expected_m = sphere_depth_m(CAMERA, centre_m, radius_m)
    # away from the rim, where flat triangles stand for the sphere
    well_inside = sphere_depth_m(CAMERA, centre_m, 0.9 * radius_m) < np.inf
    assert well_inside.sum() > 300
    np.testing.assert_allclose(drawing.depth_m[well_inside], expected_m[well_inside], atol=0.002 * radius_m)


@pytest.mark.parametrize("nearest_first", [True, False])
def test_nearer_surface_hides_the_farther_one_in_any_order(nearest_first):
    meshes = [sphere((0.0, 0.0, 2.0), 0.2, object_id=1), slanted_plane(object_id=3)]
    drawing = draw(meshes if nearest_first else meshes[::-1], CAMERA, NO_SUN)
    plane_m = SLANTED_OFFSET_M / (rays(CAMERA) @ SLANTED_NORMAL)
    ball_m = sphere_depth_m(CAMERA, (0.0, 0.0, 2.0), 0.2)
    expected = np.where(ball_m < plane_m, 1, 3)
    # they cut through each other: only pixels on a border may differ
    assert (expected == 1).sum() > 100
    assert (drawing.object_id != expected).sum() <= 4


def test_of_two_sheets_at_one_place_the_first_is_seen():
    first, second = slanted_plane(object_id=1), slanted_plane(object_id=2)
    np.testing.assert_array_equal(draw([first, second], CAMERA, NO_SUN).object_id, 1)


def test_both_sides_are_drawn_and_lit_from_the_camera():
    corners = [(-1.0, -1.0, 2.0), (1.0, -1.0, 2.0), (1.0, 1.0, 2.0), (-1.0, 1.0, 2.0)]
    towards_camera = Light((0.0, 0.0, -1.0), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    one, other = (draw([quad(side)], CAMERA, towards_camera) for side in (corners, corners[::-1]))
    np.testing.assert_allclose(one.colour[10:30, 10:30], 0.5, rtol=1e-5)
    np.testing.assert_allclose(other.colour, one.colour, rtol=1e-5)


def test_normals_are_weighted_by_area():
    corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 3)], dtype=np.float32)
    normals = vertex_normals(corners, np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32))
    np.testing.assert_allclose(normals[0], np.array([3.0, 0.0, 1.0]) / np.sqrt(10.0), rtol=1e-6)
    np.testing.assert_allclose(normals[1], (0.0, 0.0, 1.0), atol=1e-7)


def test_neighbours_leave_no_crack():
    rng = np.random.default_rng(3)
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60), indexing="ij"), axis=-1)
    grid[1:-1, 1:-1] += rng.uniform(-0.012, 0.012, (58, 58, 2))
    points = np.concatenate([grid, np.full((60, 60, 1), 2.0)], axis=-1)
    cells = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    a, b, c, d = (corner.reshape(-1, 3) for corner in cells)
    mesh = triangles(np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)]))
    np.testing.assert_array_equal(draw([mesh], CAMERA, NO_SUN).coverage, 1.0)


def test_corners_and_edges_on_pixel_centres_leave_no_crack():
    camera = PictureCamera(64.0, (16.0, 16.0), 33, 33)
    steps = np.arange(-16, 17, 4) / 32.0
    quads = [
        ((x, y, 2.0), (x, y + 0.125, 2.0), (x + 0.125, y + 0.125, 2.0), (x + 0.125, y, 2.0))
        for x in steps[:-1]
        for y in steps[:-1]
    ]
    drawing = draw([quad(corners) for corners in quads], camera, NO_SUN)
    np.testing.assert_array_equal(drawing.object_id, 1)


HARMLESS = {
    "no area": [[(0.0, 0.0, 2.0)] * 3, [(-1.0, 0.0, 2.0), (0.0, 0.0, 2.0), (1.0, 0.0, 2.0)]],
    "behind the camera": [[(-1.0, -1.0, -2.0), (1.0, -1.0, -2.0), (0.0, 1.0, -2.0)]],
    "through the camera's plane": [[(-1.0, -1.0, 2.0), (1.0, -1.0, 2.0), (0.0, 1.0, -2.0)]],
    "nearer than 0.1 m": [[(-1.0, -1.0, 0.09), (1.0, -1.0, 0.09), (0.0, 1.0, 0.09)]],
    "not finite": [
        [(np.nan, -1.0, 2.0), (1.0, -1.0, 2.0), (0.0, 1.0, 2.0)],
        [(np.inf, -1.0, 2.0), (1.0, -1.0, 2.0), (0.0, 1.0, 2.0)],
        [(0.0, -1.0, np.nan), (1.0, -1.0, 2.0), (0.0, 1.0, 2.0)],
    ],
    "far beside the picture": [[(1e6, -1e6, 2.0), (2e6, 1e6, 2.0), (1.5e6, 3e6, 2.0)]] * 2000,
}


@pytest.mark.parametrize("corners", HARMLESS.values(), ids=HARMLESS)
def test_triangle_that_cannot_be_seen_changes_nothing(corners):
    ball = sphere((0.1, 0.0, 2.0), 0.2)
    alone = draw([ball], CAMERA, NO_SUN)
    both = draw([triangles(corners, object_id=9), ball], CAMERA, NO_SUN)
    np.testing.assert_array_equal(both.colour, alone.colour)
    np.testing.assert_array_equal(both.depth_m, alone.depth_m)
    np.testing.assert_array_equal(both.object_id, alone.object_id)


def test_triangle_of_200_km_is_cut_to_the_picture():
    huge = triangles([[(-1e5, -1e5, 2.0), (1e5, -1e5, 2.0), (0.0, 1e5, 2.0)]])
    drawing = draw([huge], CAMERA, NO_SUN)
    np.testing.assert_array_equal(drawing.coverage, 1.0)
    np.testing.assert_allclose(drawing.depth_m, 2.0, rtol=1e-6)


@pytest.mark.parametrize(
    "meshes", [[], [Mesh(*(np.empty((0, 3), t) for t in ("f4", "i4", "f4")), np.empty(0, "u1"), (), 1)]]
)
def test_nothing_to_draw_is_an_empty_picture(meshes):
    drawing = draw(meshes, CAMERA, SUN)
    assert drawing.colour.shape == (44, 60, 3)
    assert not drawing.colour.any()
    assert not drawing.coverage.any()
    assert not drawing.object_id.any()
    assert np.isinf(drawing.depth_m).all()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"faces": np.array([[0, 1, 3]], np.int32)}, "vertex"),
        ({"face_material": np.ones(1, np.uint8)}, "material"),
    ],
)
def test_index_out_of_a_mesh_is_refused(wrong, named):
    good = around_pixel(CAMERA, 7, 3)
    fields = {"faces": good.faces, "face_material": good.face_material} | wrong
    mesh = Mesh(good.vertices_m, material_m=good.material_m, materials=good.materials, object_id=5, **fields)
    with pytest.raises(ValueError, match=f"mesh 5: a face names a {named} outside"):
        draw([mesh], CAMERA, NO_SUN)


def test_each_mesh_keeps_its_own_materials():
    def ball(x_m, colour, object_id):
        return sphere((x_m, 0.0, 2.0), 0.15, Material(colour), object_id, rings=16)

    drawing = draw([ball(-0.3, (1.0, 0.0, 0.0), 1), ball(0.3, (0.0, 0.0, 1.0), 2)], CAMERA, NO_SUN)
    red, blue = (CAMERA.project(np.array([x, 0.0, 2.0])).round().astype(int) for x in (-0.3, 0.3))
    np.testing.assert_allclose(drawing.colour[red[1], red[0]], (1.0, 0.0, 0.0), atol=1e-6)
    np.testing.assert_allclose(drawing.colour[blue[1], blue[0]], (0.0, 0.0, 1.0), atol=1e-6)


def test_same_scene_gives_the_same_bits():
    noise = Material((0.8, 0.1, 0.2), (0.1, 0.7, 0.3), Pattern.NOISE, 0.03, shininess=0.4)
    meshes = [sphere((0.1, 0.0, 2.0), 0.3, noise), slanted_plane(object_id=3)]
    first, second = draw(meshes, CAMERA, SUN), draw(meshes, CAMERA, SUN)
    for field in ("colour", "coverage", "depth_m", "object_id"):
        assert getattr(first, field).tobytes() == getattr(second, field).tobytes()
