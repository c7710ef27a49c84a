"""`bench.bench_loops`: its table is that of the page, and both loops do all of the work."""

import json

from bench import bench_loops, pages


def test_the_page_says_what_was_measured():
    found = json.loads(bench_loops.FILE.read_text())
    page = pages.written(pages.DOCS / "measured.md", "loops")
    assert page == bench_loops.table(found).markdown()


def test_all_work_is_done_by_both(monkeypatch):
    calls = dict.fromkeys(bench_loops.LOOPS, 0)

    def counted(name, true):
        def call(*words):
            calls[name] += 1
            return true(*words)

        return call

    for name, both in list(bench_loops.LOOPS.items()):
        counting = tuple(counted(name, true) for true in both)
        monkeypatch.setitem(bench_loops.LOOPS, name, counting)
    found = bench_loops.measure(0.001)
    assert len(found) == 4 and calls["loop"] == calls["compiled"] > 4
    assert all(min(each["seconds"].values()) > 0 for each in found)
