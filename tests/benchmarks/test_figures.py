import pytest

from tests.benchmarks.figures import (
    Median,
    Printed,
    exponent,
    line,
    off_line,
    printed_by_scrapy,
    printed_by_seo,
    printed_by_us,
    ratios,
)

BEFORE = "starting a temporary Prefect server\nrun 20261128-1-abc: 2,391 pages\n"


@pytest.mark.parametrize(
    ("last_line", "expected"),
    [
        ("2,391/2,391 pages, 1,021.7 pages/s, 12.9 s wall time", Printed(2391, 1021.7)),
        ("1,000/1,000 pages, 3 failed, 650.0 pages/s, 1,212.9 s wall time", Printed(997, 650.0)),
        ("41,000/41,000 pages, 2 not modified, 1,003 failed, 9.5 pages/s, 2.0 s wall time", Printed(39997, 9.5)),
    ],
)
def test_the_commands_last_line_is_read(last_line, expected):
    assert printed_by_seo(f"{BEFORE}run 20261128-1-abc completed: {last_line}\n  seo issues\n") == expected


@pytest.mark.parametrize("state", ["interrupted", "failed"])
def test_a_run_that_did_not_complete_has_no_speed(state):
    with pytest.raises(ValueError, match="no `run … completed"):
        printed_by_seo(f"{BEFORE}run 20261128-1-abc {state}: 7/9 pages, 3.0 pages/s, 2.0 s wall time")


def test_scrapys_statistics_are_read():
    log = "INFO: Dumping\n{'downloader/response_status_count/200': 300,\n 'elapsed_time_seconds': 1.5e+1,\n 'x': 1}"
    assert printed_by_scrapy(log) == Printed(300, 20.0)


def test_the_crawls_of_one_list_are_added_up():
    crawl = "{{'downloader/response_status_count/200': {},\n 'elapsed_time_seconds': {}}}\n"
    assert printed_by_scrapy(crawl.format(2000, 40.0) + crawl.format(300, 6.0)) == Printed(2300, 50.0)


def test_a_crawl_without_answers_is_no_measurement():
    with pytest.raises(ValueError, match="no statistics"):
        printed_by_scrapy("{'elapsed_time_seconds': 15.0, 'downloader/response_status_count/404': 300}")


def test_the_last_line_of_our_own_programs_is_read():
    assert printed_by_us('a warning\n{"pages": 300, "seconds": 0.5}\n') == Printed(300, 600.0)


def test_a_median_is_told_with_the_least_and_the_most():
    assert Median.of([650.4, 612.0, 1688.0]) == Median(650.4, 612.0, 1688.0)
    assert Median.of([650.4, 612.0, 1688.0]).text() == "650 (612–1,688)"
    assert Median.of([1.0, 2.0]).text(1) == "1.5 (1.0–2.0)"
    assert Median.of([2.345]).text(2) == "2.35"


def test_ratios_are_taken_within_a_round():
    assert ratios([600, 100, 300], [30, 10, 10]) == Median(20, 10, 30)


def test_rounds_that_are_missing_on_one_side_are_not_compared():
    with pytest.raises(ValueError, match="shorter"):
        ratios([1, 2], [1])


def test_a_line_is_found_with_its_start_and_slope():
    points = [(1_000, 7.0), (10_000, 25.0), (100_000, 205.0)]
    assert line(points) == pytest.approx((5.0, 0.002))
    assert off_line(points) == pytest.approx(0.0, abs=1e-9)
    assert line([(10, 5.0)]) == (0.0, 0.5)


def test_small_points_count_as_much_as_large_ones():
    """A start of 5 s shows in the small runs alone; the largest is 30 s off a line of 2 ms."""
    start, _ = line([(1_000, 7.0), (3_000, 11.0), (10_000, 25.0), (100_000, 235.0)])
    assert 4 < start < 6


def test_a_curve_is_far_from_every_line():
    curve = [(n, (n / 1000) ** 2) for n in (1_000, 3_000, 10_000, 30_000, 100_000)]
    assert off_line(curve) > 0.5
    assert exponent(curve) == pytest.approx(2)
    assert exponent([(1, 9.0), (10, 20.0), (100, 200.0)]) == pytest.approx(1)
