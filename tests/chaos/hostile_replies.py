"""What servers may send to harm a client: raw replies as data.

A reply is bytes to send before the connection is closed, or an iterator of pieces with a pause after each.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import brotli
import zstandard

from tests.extract.test_extract_hostile import LONG

OK = b"HTTP/1.1 200 OK\r\n"
HTML = b"Content-Type: text/html\r\n"
MIB = 1024 * 1024
PAGE = b"<!doctype html><title>Tea</title><h1>Tea</h1><p>Leaves and hot water."


@dataclass(frozen=True)
class Drip:
    """``first`` at once, then ``piece`` every ``pause`` seconds until the client has had enough."""

    first: bytes
    piece: bytes
    pause: float = 0.05


@dataclass(frozen=True)
class Flood:
    """``first``, then ``piece`` without end as fast as the client reads."""

    first: bytes
    piece: bytes


Reply = bytes | Drip | Flood


def html(body: bytes, *headers: bytes) -> bytes:
    fields = b"".join(header + b"\r\n" for header in headers)
    return OK + (b"" if b"content-type" in fields.lower() else HTML) + fields + b"\r\n" + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return html(
        b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end, b"Transfer-Encoding: chunked"
    )


def _status_lines() -> Iterator[tuple[str, bytes]]:
    lines = [
        b"", b"\r\n", b"\0", b"HTTP", b"HTTP/1.1", b"HTTP/1.1 ", b"HTTP/1.1 200", b"HTTP/1.1 abc OK", b"HTTP/1.1 -1 X",
        b"HTTP/1.1 0 X", b"HTTP/1.1 99 X", b"HTTP/1.1 999 X", b"HTTP/1.1 2000 X", b"HTTP/1.1 200OK", b"HTTP/9.9 200 OK",
        b"HTTP/2 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.0 200 OK", b"http/1.1 200 OK", b"ICY 200 OK", b"220 mail ready",
        b"SSH-2.0-OpenSSH_9", b"\x16\x03\x01\x02\x00\x01\x00", b"HTTP/1.1 200 " + b"x" * 100_000,
        b"HTTP/1.1 200 \x1b[31m\xff\xfe", b"HTTP/1.1 200 OK\0", b"HTTP/1.1 \xd9\xa2\xd9\xa0\xd9\xa0 OK",
        b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 101 Switching Protocols",
        b"HTTP/1.1 418 Teapot", b"HTTP/1.1 599 X", b"<html>no head at all</html>", b"PRI * HTTP/2.0",
    ]  # fmt: skip
    for line in lines:
        yield f"status line {line[:24]!r}", line + b"\r\n" + HTML + b"\r\n" + PAGE


def _header_fields() -> Iterator[tuple[str, bytes]]:
    fields = {
        "no colon": b"X-Broken",
        "empty name": b": x",
        "space before the colon": b"X-A : b",
        "nul in a value": b"X-A: a\0b",
        "nul in a name": b"X\0A: b",
        "escape in a value": b"X-A: \x1b[2J",
        "bare carriage return": b"X-A: a\rb",
        "bare line feed": b"X-A: a\nX-B: b",
        "obsolete folding": b"X-A: a\r\n b\r\n\tc",
        "latin-1": b"X-A: caf\xe9",
        "utf-8 name": "X-Ä: b".encode(),
        "long name": b"X" * 60_000 + b": b",
        "long value": b"X-A: " + b"b" * 60_000,
        "longer than any limit": b"X-A: " + b"b" * 300_000,
        "many fields": b"\r\n".join(b"X-%d: a" % n for n in range(5_000)),
        "more fields than any limit": b"\r\n".join(b"X-%d: a" % n for n in range(20_000)),
        "2,000 cookies": b"\r\n".join(b"Set-Cookie: a%d=b" % n for n in range(2_000)),
        "two content lengths": b"Content-Length: 5\r\nContent-Length: 6",
        "negative content length": b"Content-Length: -1",
        "content length of letters": b"Content-Length: abc",
        "content length with a sign": b"Content-Length: +69",
        "content length of 30 digits": b"Content-Length: " + b"9" * 30,
        "content length in other digits": "Content-Length: ٦٩".encode(),
        "content length too short": b"Content-Length: 3",
        "content length too long": b"Content-Length: 9999",
        "content length of a terabyte": b"Content-Length: 1099511627776",
        "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        "unknown transfer encoding": b"Transfer-Encoding: gzip",
        "transfer encodings": b"Transfer-Encoding: chunked, chunked",
        "transfer encoding of rubbish": b"Transfer-Encoding: \x01",
        "upgrade": b"Upgrade: h2c\r\nConnection: Upgrade",
        "keep-alive of rubbish": b"Connection: keep-alive\r\nKeep-Alive: timeout=-1, max=\xff",
        "link header of brackets": b"Link: " + b"<" * 50_000,
        "link header of commas": b"Link: " + b'<a>;b=",' * 7_000,
        "robots header of commas": b"X-Robots-Tag: " + b"a:b," * 15_000,
        "refresh of digits": b"Refresh: " + b"9" * 60_000,
        "refresh to a script": b"Refresh: 0;url=javascript:alert(1)",
        "retry-after of rubbish": b"Retry-After: " + b"9" * 40_000,
        "etag of quotes": b"ETag: " + b'"' * 10_000,
        "date of the year 9999999": b"Last-Modified: Fri, 99 Foo 9999999 99:99:99 XYZ",
        "content type of semicolons": b"Content-Type: text/html" + b";" * 60_000,
        "content type with an open quote": b'Content-Type: text/html; charset="' + b"\\" * 60_000,
        "content types": b"Content-Type: text/html\r\nContent-Type: image/png",
        "content type of nothing": b"Content-Type:",
        "content language of controls": b"Content-Language: \x01\x02",
        "referrer policy that names code": b"Referrer-Policy: os.system",
    }  # fmt: skip
    for name, field in fields.items():
        yield f"header: {name}", html(PAGE, field)


def _encodings() -> Iterator[tuple[str, bytes]]:
    zeros = b"\0" * (50 * MIB)
    packed = {
        "gzip": gzip.compress(PAGE * 100),
        "deflate": zlib.compress(PAGE * 100),
        "br": brotli.compress(PAGE * 100),
        "zstd": zstandard.ZstdCompressor().compress(PAGE * 100),
    }
    bombs = {
        "gzip": gzip.compress(zeros, 1),
        "deflate": zlib.compress(zeros, 1),
        "br": brotli.compress(zeros, quality=1),
        "zstd": zstandard.ZstdCompressor().compress(zeros),
    }
    for name, body in packed.items():
        encoding = f"Content-Encoding: {name}".encode()
        damages = {
            "as it should be": body,
            "not encoded": PAGE,
            "one byte": body[:1],
            "cut in half": body[: len(body) // 2],
            "last byte missing": body[:-1],
            "a byte flipped": body[:20] + bytes([body[20] ^ 255]) + body[21:],
            "rubbish after it": body + b"rubbish",
            "nothing": b"",
            "zeros": b"\0" * 5_000,
        }
        for damage, damaged in damages.items():
            yield f"{name}: {damage}", html(damaged, encoding)
        yield f"{name}: a bomb", html(bombs[name], encoding)
        yield f"{name}: twice, once done", html(body, f"Content-Encoding: {name}, {name}".encode())
    for name in ("gzip, br", "br, zstd", "identity, gzip", "zstd, deflate"):
        outer = name.rpartition(", ")[2]
        yield f"rubbish in {name}", html(packed[outer], f"Content-Encoding: {name}".encode())
    yield "gzip bomb in a gzip", html(gzip.compress(bombs["gzip"]), b"Content-Encoding: gzip, gzip")
    yield "10 gzip layers", html(packed["gzip"], b"Content-Encoding: " + b", ".join([b"gzip"] * 10))
    yield "10,000 empty gzip members", html(gzip.compress(b"") * 10_000, b"Content-Encoding: gzip")
    yield "unknown encoding", html(PAGE, b"Content-Encoding: compress")
    yield "encoding of rubbish", html(PAGE, b"Content-Encoding: \x1b\xff")


def _charsets() -> Iterator[tuple[str, bytes]]:
    labels = [
        "idna", "punycode", "zlib_codec", "rot13", "hex", "base64", "utf-7", "unicode_escape", "raw_unicode_escape",
        "utf-32", "utf-16", "utf-16be", "utf_8_sig", "mbcs", "undefined", "replacement", "x-user-defined",
        "iso-2022-jp",
        "hz-gb-2312", "iso-2022-kr", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "koi8-u", "ibm866", "none", "",
        "../../etc/passwd", "a" * 5_000, "ü", "utf-8\0", "utf8;charset=utf-7", '"', "x-mac-cyrillic",
    ]  # fmt: skip
    mixed = PAGE + b"\xff\xfe\x80caf\xe9 \xe2\x82 \xed\xa0\x80 \xf4\x90\x80\x80 \x1b$B!! \x8e\xa2 \x00 \xc0\x80" + PAGE
    for label in labels:
        yield f"charset {label[:20]!r}", html(mixed, f"Content-Type: text/html; charset={label}".encode())
    for label in ("utf-7", "utf-16", "x", "utf-8"):
        meta = f"<meta charset={label}>".encode()
        yield f"meta charset {label}", html(meta + mixed)
    for name, mark in {"utf-8": b"\xef\xbb\xbf", "utf-16le": b"\xff\xfe", "utf-16be": b"\xfe\xff"}.items():
        yield f"byte order mark of {name}", html(mark + mixed, b"Content-Type: text/html; charset=koi8-r")
    yield "half a character at the end", html(PAGE + b"\xe2\x82", b"Content-Type: text/html; charset=utf-8")
    yield (
        "lone surrogates",
        html(
            "<title>\ud800</title>".encode("utf-16-le", "surrogatepass") * 500,
            b"Content-Type: text/html; charset=utf-16",
        ),
    )


def _framings() -> Iterator[tuple[str, bytes]]:
    yield "chunks", chunked(PAGE, PAGE)
    yield "one-byte chunks", chunked(*(PAGE[at : at + 1] for at in range(len(PAGE))))
    yield "chunks without an end", chunked(PAGE, end=b"")
    for size in (b"zz", b"-5", b"0x5", b"", b"5 5", b"\xff", b"f" * 16, b"f" * 64, b"1" * 100_000, b"+5"):
        yield f"chunk size {size[:16]!r}", chunked(end=size + b"\r\nhello\r\n0\r\n\r\n")
    yield "chunk shorter than said", chunked(end=b"ff\r\nhello\r\n0\r\n\r\n")
    yield "chunk longer than said", chunked(end=b"2\r\nhello\r\n0\r\n\r\n")
    yield "chunk extension of 100 KB", chunked(end=b"5;" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n\r\n")
    yield "trailers", chunked(PAGE, end=b"0\r\nX-A: b\r\nContent-Length: 5\r\n\r\n")
    yield "10,000 trailers", chunked(PAGE, end=b"0\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n")
    yield "trailer without an end", chunked(PAGE, end=b"0\r\nX-A: b")
    yield "a second answer behind the first", html(PAGE, b"Content-Length: %d" % len(PAGE)) + html(PAGE)
    yield "rubbish behind the answer", html(PAGE, b"Content-Length: %d" % len(PAGE)) + b"\0" * 5_000
    yield "body of a 204", b"HTTP/1.1 204 No Content\r\n\r\n" + PAGE
    yield "1,000 interim answers", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 1_000 + html(PAGE)
    yield "interim answers only", b"HTTP/1.1 100 Continue\r\n\r\n" * 50
    yield "head without an end", OK + HTML
    yield "line feeds only", html(PAGE).replace(b"\r\n", b"\n")
    yield "carriage returns only", html(PAGE).replace(b"\r\n", b"\r")


def _redirects() -> Iterator[tuple[str, bytes]]:
    locations = [
        b"", b"#", b"?", b"//", b"///", b"http://", b"http://[", b"http://[::1", b"http://xn--/", b"http://\xff/",
        b"http://a..b/", b"http://" + b"a" * 70 + b".example/", b"javascript:alert(1)", b"data:text/html,x",
        b"file:///etc/passwd", b"ftp://a.example/", b"http://user:pass@a.example/", b"http://a.example:99999/",
        b"http://a.example:0/", b"\\\\a.example\\x", b"http:a", b"/" + b"x" * 60_000, b"/a b\tc", b"/%00", b"/\xe2\x82",
        b"http://%31%32%37.0.0.1/", b"gopher://a.example/", b"http://169.254.169.254/latest/meta-data/",
        b"/" + b"../" * 9_000,
        b"http://0x7f.1/", b"blob:http://a.example/x",
    ]  # fmt: skip
    for location in locations:
        yield f"redirect to {location[:24]!r}", b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\n\r\n"
    yield "redirect to nowhere", b"HTTP/1.1 302 Found\r\n\r\n"
    yield "two locations", b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n"


def _markup() -> Iterator[tuple[str, bytes]]:
    bodies = {
        "nothing": b"",
        "one bracket": b"<",
        "nul bytes": b"\0" * 100_000,
        "nul bytes in tags": b"<\0a\0 hr\0ef=x>\0</a\0>" * 2_000,
        "an attribute of 10 MB": b"<p title='" + b"x" * (10 * MIB) + b"'>" + PAGE,
        "an address of 10 MB": b"<a href='" + b"x/../" * (2 * MIB) + b"'>" + PAGE,
        "100,000 divs deep": b"<div>" * 100_000 + PAGE,
        "100,000 formatting elements deep": b"<b><i><font size=1>" * 33_000 + PAGE,
        "100,000 tables deep": b"<table><tr><td>" * 33_000,
        "100,000 attributes": b"<p " + b" ".join(b"a%d=b" % n for n in range(100_000)) + b">",
        "100,000 links": b"<a href=/x>x</a>" * 100_000,
        "misnested formatting": b"<b><p></b>" * 50_000,
        "unclosed comment": b"<!--" + b"-" * (2 * MIB),
        "unclosed script": b"<script>" + b"<!--<script" * 100_000,
        "unclosed attribute": b'<a href="' + PAGE * 20_000,
        "entities": b"&amp;&#x41;&notit;&#xD800;&#99999999999;" * 50_000,
        "doctype of rubbish": b"<!DOCTYPE " + b"x" * MIB + b">" + PAGE,
        "xml entity bomb": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + b"<x>&b;</x>" * 10_000,
        "JSON-LD 100,000 deep": b"<script type=application/ld+json>" + b"[" * 100_000 + b"</script>",
        "JSON-LD of huge numbers": b"<script type=application/ld+json>[" + b"9" * 100_000 + b",1e999999]</script>",
        "JSON-LD of lone surrogates": b'<script type=application/ld+json>{"@type":"\\ud800"}</script>',
        "srcset of commas": b"<img srcset='" + b"," * MIB + b"'>",
        "10,000 canonicals": b"<link rel=canonical href=/x>" * 10_000,
        "base of rubbish": b"<base href='http://[::1'><a href=x>" + PAGE,
        "base of another scheme": b"<base href='javascript:x'><a href=y>" + PAGE,
        "bidi and zero width characters": ("<title>\u202e\u200b\u2066tea\ufeff</title>" * 1_000).encode(),
        "15 MiB of text": b"tea " * (15 * MIB // 4),
        "more than 15 MiB": b"tea " * (4 * MIB),
        "frames": b"<frameset><frame src=a>" * 20_000,
        "templates deep": b"<template>" * 20_000,
        "plaintext": b"<plaintext>" + PAGE * 100,
        "svg and math": b"<svg><math><mi><svg><title>" * 20_000,
        "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100,
        "a PDF": b"%PDF-1.7\n" + bytes(range(256)) * 100,
    }
    for name, body in bodies.items():
        yield f"markup: {name}", html(body)
    for name, source in LONG.items():
        yield f"repetition: {name}", html(source.encode())


def _without_end() -> Iterator[tuple[str, Reply]]:
    yield "a head that drips", Drip(OK + b"X-A: ", b"a")
    yield "header fields that drip", Drip(OK, b"X-A: b\r\n")
    yield "a body that drips", Drip(OK + HTML + b"\r\n", b"a")
    yield "chunks that drip", Drip(OK + HTML + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n")
    yield "interim answers that drip", Drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")
    yield "gzip that drips", Drip(OK + HTML + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(PAGE)[:12], b"\0")
    yield "silence", Drip(b"", b"", 60)
    yield "silence in the head", Drip(OK, b"", 60)
    yield "silence in the body", Drip(OK + HTML + b"Content-Length: 99\r\n\r\n<p>", b"", 60)
    yield "a head without end", Flood(OK, b"X-A: " + b"a" * 1_000 + b"\r\n")
    yield "a field without end", Flood(OK + b"X-A: ", b"a" * 60_000)
    yield "a status line without end", Flood(b"HTTP/1.1 200 ", b"a" * 60_000)
    yield "a body without end", Flood(OK + HTML + b"\r\n", b"tea " * 16_000)
    yield "chunks without end", Flood(OK + HTML + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n" * 5_000)
    yield "a chunk extension without end", Flood(OK + b"Transfer-Encoding: chunked\r\n\r\n5;", b"x" * 60_000)
    yield "trailers without end", Flood(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 5_000)
    yield "interim answers without end", Flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 500)
    yield "gzip members without end", Flood(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 500)
    yield "zeros without end", Flood(b"", b"\0" * 60_000)


def replies() -> dict[str, Reply]:
    kinds = (_status_lines, _header_fields, _encodings, _charsets, _framings, _redirects, _markup, _without_end)
    return {name: reply for kind in kinds for name, reply in kind()}
