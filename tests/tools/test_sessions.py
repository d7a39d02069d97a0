"""A session remembers, takes files in, hands back what it wrote, and ends with a reason."""

import pytest

from tests.tools.conftest import Host


def test_variables_functions_and_imports_live_from_call_to_call(host: Host) -> None:
    host.run("import math\nx = 3\ndef twice(n): return 2 * n")
    assert host.run("twice(x) + math.floor(0.5)").output == "6\n"
    assert host.run("x", key="another").failed
    host.end("another")
    assert host.end() == []


def test_the_value_of_the_last_line_is_shown_as_in_a_notebook(host: Host) -> None:
    assert host.run("print('a')\n'b'").output == "a\n'b'\n"
    assert host.run("None").output == ""
    assert host.run("# nothing").output == ""
    host.end()


def test_an_error_is_told_with_its_lines_and_nothing_of_the_kernel(host: Host) -> None:
    answer = host.run("def f():\n    return 1 / 0\nf()")
    assert answer.failed
    assert not answer.ended
    assert "return 1 / 0" in answer.output
    assert "ZeroDivisionError" in answer.output
    assert "<string>" not in answer.output
    broken = host.run("def f(:")
    assert broken.failed
    assert "SyntaxError" in broken.output
    assert "<string>" not in broken.output
    host.end()


def test_output_and_errors_come_in_order_also_from_child_processes(native: Host) -> None:
    code = "import os, sys\nprint('a')\nsys.stderr.write('b\\n')\nos.write(1, b'c\\n')\nif os.fork() == 0:\n"
    code += "    os.write(1, b'd\\n'); os._exit(0)\nos.wait()\nprint('e')"
    assert native.run(code).output == "a\nb\nc\nd\ne\n"
    native.end()


def test_of_much_output_the_beginning_and_the_end_are_kept(host: Host) -> None:
    answer = host.run("print('begin'); print('x' * 1_000_000); print('end')")
    assert answer.output.startswith("begin\nx")
    assert answer.output.endswith("x\nend\n")
    assert "[912 KiB left out]" in answer.output
    assert len(answer.output) < 70_000
    host.end()


def test_input_files_lie_in_the_working_folder_and_do_not_come_back(host: Host) -> None:
    host.put("data.csv", b"a,b\n1,2\n")
    answer = host.run("import os; print(os.getcwd(), os.listdir(), open('data.csv').read())")
    assert answer.output == "/mnt/data ['data.csv'] a,b\n1,2\n\n"
    assert answer.names == []
    host.put("data.csv", b"new")
    assert host.run("open('/mnt/data/data.csv').read()").output == "'new'\n"
    host.end()


def test_files_it_writes_come_back_once_with_their_bytes(host: Host) -> None:
    host.put("data.csv", b"a")
    answer = host.run(
        "import os; os.mkdir('out'); open('out/é.txt', 'w').write('hé'); open('data.csv', 'a').write('b')"
    )
    assert answer.names == ["data.csv", "out/é.txt"]
    assert answer.data("out/é.txt") == "hé".encode()
    assert answer.data("data.csv") == b"ab"
    assert host.run("1").names == []
    host.end()


def test_what_is_too_large_or_too_many_is_named_instead(host: Host) -> None:
    answer = host.run("open('large', 'wb').write(bytes(5 << 20)); open('small', 'w').write('x')")
    assert (answer.names, answer.left) == (["small"], ["large"])
    answer = host.run("for n in range(30): open(f'{n:02}', 'w').write('x')")
    assert answer.names == [f"{n:02}" for n in range(20)]
    assert answer.left == [f"{n:02}" for n in range(20, 30)]
    host.end()


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "..", "", "a\nb", "a\x00b", "x" * 300, "a\\b"])
def test_a_poisoned_name_of_an_upload_is_refused_with_a_sentence(host: Host, name: str) -> None:
    answer = host.put(name, b"x")
    assert answer.error == "InputRefused"
    assert "is no file name" in answer.text
    host.end()


def test_an_upload_does_not_stand_in_for_a_library(host: Host) -> None:
    host.put("colorsys.py", b"print('poisoned')")
    host.put("numpy.py", b"print('poisoned')")
    assert "poisoned" not in host.run("import colorsys, numpy; numpy.arange(2).sum()").output
    host.end()


def test_an_upload_over_a_link_the_code_made_goes_to_no_other_place(native: Host) -> None:
    native.run("import os; os.symlink('/mnt/data/b', 'a')")
    native.put("a", b"x")
    assert native.run("import os; print(os.path.islink('a'), os.path.exists('b'))").output == "False False\n"
    native.end()


def test_an_upload_larger_than_the_disk_is_refused_and_leaves_nothing(host: Host) -> None:
    answer = host.put("large.bin", bytes(17 << 20))
    assert answer.error == "InputRefused"
    assert "large.bin (17 MiB) does not fit" in answer.text
    assert host.run("import os; os.listdir()").output == "[]\n"
    host.end()


def test_figures_come_back_as_pictures_shown_or_not(host: Host) -> None:
    key = "figures"
    host.put("x.txt", b"x", key=key)
    code = "import matplotlib.pyplot as plt\nfor n in (1, 2):\n    plt.plot([n, 1]); plt.show()\nplt.plot([3])"
    answer = host.run(code, key=key)
    assert not answer.failed, answer
    assert answer.names == ["figure-1-1.png", "figure-1-2.png", "figure-1-3.png"]
    assert all(is_figure for _, _, is_figure in answer.files)
    assert all(answer.data(name).startswith(b"\x89PNG") for name in answer.names)
    assert "Warning" not in answer.output
    assert host.run("import numpy, pandas; pandas.DataFrame({'a': numpy.arange(3)}).a.sum()", key=key).output
    host.end(key)


def test_what_was_printed_before_the_end_is_kept_and_the_next_call_starts_clean(host: Host) -> None:
    host.put("data.csv", b"a")
    answer = host.run("x = 1\nprint('so far')\nimport os; os._exit(3)")
    assert answer.output == "so far\n"
    assert answer.failed
    assert answer.ended == "It ended by itself (exit code 3)."
    clean = host.run("import os; print(os.listdir(), 'x' in globals())")
    assert clean.output == "[] False\n"
    host.end()
