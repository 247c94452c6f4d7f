from tests.benchmarks import growth, orchestration, plots, speed, starts
from tests.benchmarks.contenders import Round
from tests.benchmarks.figures import Printed
from tests.benchmarks.meter import Usage


def usage(wall, cpu, server=0.0, peak=100, together=150):
    return Usage(wall, cpu, server, peak * 10**6, together * 10**6, "", "")


def one(pages, rate, **used):
    return Round(Printed(pages, rate), usage(**used))


SPEED = {
    "seo batch": [
        one(1000, 600.0, wall=4.0, cpu=3.0, server=0.1),
        one(1000, 700.0, wall=3.0, cpu=2.0, server=0.2),
        one(1000, 500.0, wall=5.0, cpu=4.0, server=0.3),
    ],
    "advertools": [one(1000, rate, wall=40.0, cpu=34.0) for rate in (30.0, 28.0, 20.0)],
    "raw limit": [one(1000, rate, wall=1.0, cpu=1.0) for rate in (1200.0, 1400.0, 1250.0)],
}


def rows(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_speed_has_a_row_for_each_with_ratios_of_the_same_round():
    head, _, ours, peer, raw = rows(speed.speed_table(SPEED))
    assert dict(zip(head, ours, strict=True)) == {
        "": "seo batch",
        "pages": "1,000",
        "pages/s": "600 (500–700)",
        "wall s": "4.0 (3.0–5.0)",
        "pages/s, wall": "250 (200–333)",
        "CPU ms/page": "3.00 (2.00–4.00)",
        "Prefect server ms/page": "0.20 (0.10–0.30)",
        "MB, largest": "100",
        "MB, all": "150",
        "× advertools": "25.0 (20.0–25.0)",
        "× raw limit": "0.50 (0.40–0.50)",
    }
    assert peer[head.index("Prefect server ms/page")] == ""
    assert (peer[head.index("× advertools")], raw[head.index("× raw limit")]) == ("1.0", "1.00")


def test_without_a_contender_its_ratio_is_left_empty():
    head, _, ours = rows(speed.speed_table({"seo batch": SPEED["seo batch"]}))
    assert ours[head.index("× advertools")] == ours[head.index("× raw limit")] == ""


def test_a_scan_is_compared_with_the_flow_of_the_same_round():
    found = {
        starts.HELP: [usage(0.25, 0.2)],
        "seo scan, server running": [usage(3.0, 2.0), usage(4.0, 2.5)],
        "flow of one task, server running": [usage(2.0, 1.0), usage(4.0, 1.0)],
    }
    assert rows(starts.starts_table(found))[2:] == [
        ["seo --help", "0.25", "0.20", ""],
        ["seo scan, server running", "3.50 (3.00–4.00)", "2.25 (2.00–2.50)", "1.25 (1.00–1.50)"],
        ["flow of one task, server running", "3.00 (2.00–4.00)", "1.00", ""],
    ]


def test_orchestration_is_what_is_added_and_what_each_further_page_adds():
    single = ([one(1, 1.0, wall=5.0, cpu=3.0, server=0.5)], [one(1, 2.0, wall=1.0, cpu=0.5)])
    short = ([one(100, 50.0, wall=7.0, cpu=5.0, server=0.7)], [one(100, 100.0, wall=2.0, cpu=1.0)])
    long = ([one(1100, 220.0, wall=10.2, cpu=8.0, server=0.8)], [one(1100, 275.0, wall=5.0, cpu=3.9)])
    assert rows(orchestration.orchestration_table([single, short, long]))[2:] == [
        ["1 page", "4.00", "0.50", "2.50", "0.50"],
        ["100 pages", "5.00", "1.00", "4.00", "0.70"],
        ["1,100 pages", "5.20", "1.00", "4.10", "0.80"],
        ["each further page, ms", "0.200", "0.000", "0.100", "0.100"],
    ]


GROWTH = [
    one(1_000, 400.0, wall=6.0, cpu=7.0, peak=200),
    one(10_000, 600.0, wall=20.0, cpu=25.0, peak=218),
    one(100_000, 610.0, wall=160.0, cpu=205.0, peak=308),
]


def test_growth_tells_what_each_further_page_takes():
    text = growth.growth_table(GROWTH)
    table, sentence = text.split("\n\n")
    assert rows(table)[2:] == [
        ["1,000", "400", "6.0", "7.0", "", "200", ""],
        ["10,000", "600", "20.0", "25.0", "2.00", "218", "2.00"],
        ["100,000", "610", "160.0", "205.0", "2.00", "308", "1.00"],
    ]
    assert "is 5.0 s + 2.00 ms × pages; none is further from it than 0%" in sentence
    assert "to the power of 0.91" in sentence


def test_one_size_is_no_line():
    assert growth.straightness(GROWTH[:1]) == ""


def test_plots_are_written_and_named_in_markdown(tmp_path):
    assert plots.speed_plot(tmp_path, "mixed", SPEED).endswith("(plots/speed-mixed.svg)")
    assert plots.growth_plot(tmp_path, "crawl", GROWTH).endswith("(plots/growth-crawl.svg)")
    bars, curve = ((tmp_path / "plots" / f"{name}.svg").read_text() for name in ("speed-mixed", "growth-crawl"))
    assert ">seo batch</text>" in bars
    assert "5.0 s + 2.00 ms × pages</text>" in curve
    plots.speed_plot(tmp_path, "mixed", SPEED)
    assert (tmp_path / "plots" / "speed-mixed.svg").read_text() == bars
