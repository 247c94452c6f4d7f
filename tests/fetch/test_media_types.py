"""What an answer without Content-Type is: https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type."""

import pytest

from tasks.model import Response

HTML = [
    b"<!DOCTYPE html><p>Tea",
    b"\n\t\x0c <!doctype HTML >",
    b"<!-- tea --><html>",
    b"<!---->",
    b"<title>Tea</title>",
    b"<HTML lang=en>",
    b"<head>",
    b"<body class=tea>",
    b"<script>1</script>",
    b"<h1>Tea</h1>",
    b"<p>Tea",
    b"<a href=/>Tea</a>",
    b"<br >",
    b"<table>",
]
NOT_HTML = [
    b"",
    b"Tea <p>",
    b"\xef\xbb\xbf<!doctype html><p>",  # a byte order mark is that of text/plain there
    b"<",
    b"<abbr>Tea</abbr>",
    b"<h1",
    b"<h2>Tea</h2>",
    b"<!doctypehtml>",
    b"<!-",
    b'<?xml version="1.0"?><html>',
    b"{}",
    b" " * 1445 + b"<p>",
]


@pytest.mark.parametrize("body", HTML)
def test_html(body):
    assert Response(url="http://tea.test/", status=200, body=body).is_html


@pytest.mark.parametrize("body", NOT_HTML)
def test_not_html(body):
    assert not Response(url="http://tea.test/", status=200, body=body).is_html


@pytest.mark.parametrize(
    ("declared", "is_html"), [("text/html", True), ("application/xhtml+xml;a=b", True), ("text/plain", False)]
)
def test_what_is_declared_counts(declared, is_html):
    headers = (("content-type", declared),)
    assert Response(url="http://tea.test/", status=200, headers=headers, body=b"<html>").is_html is is_html
