"""Files that are replaced whole or not at all."""

import stat

import pytest

from langchain_memalign._files import replacing


def test_a_file_is_replaced_once_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file"
    with replacing(path) as file:
        file.write("one")
    with replacing(path) as file:
        file.write("two")
        file.flush()
        assert path.read_text() == "one"
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(28, "full")])
def test_whatever_stops_the_writing_the_old_file_stays(tmp_path, stop):
    path = tmp_path / "file"
    path.write_text("one")

    def stopped():
        with replacing(path) as file:
            file.write("tw")
            file.flush()
            raise stop

    with pytest.raises((KeyboardInterrupt, OSError)):
        stopped()
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_goes_on_pointing_where_it_does(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_text("one")
    link.symlink_to(path)
    with replacing(link) as file:
        file.write("two")
    assert link.is_symlink()
    assert path.read_text() == "two"


def test_a_new_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "file"
    with replacing(path) as file:
        file.write("one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_replaced_stays_as_private_as_it_was(tmp_path):
    path = tmp_path / "file"
    path.write_text("one")
    path.chmod(0o600)
    with replacing(path) as file:
        assert {there.stat().st_mode & 0o777 for there in tmp_path.iterdir()} == {0o600}
        file.write("two")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_file_is_left_alone(tmp_path):
    with pytest.raises(OSError, match="not a regular file"), replacing(tmp_path):
        pass
