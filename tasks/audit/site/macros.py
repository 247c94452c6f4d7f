"""Small words of SQL that the tables and rules of sites are written with."""

from tasks.audit.indexability import JUDGED_AGENT

MACROS = (
    # http(s) only: what a crawler could fetch.
    "CREATE TEMP MACRO is_http(url) AS starts_with(url, 'http://') OR starts_with(url, 'https://')",
    "CREATE TEMP MACRO without_fragment(url) AS split_part(url, '#', 1)",
    "CREATE TEMP MACRO host_of(url) AS regexp_extract(url, '^[a-z]+://([^/?#:]*)', 1)",
    # Two addresses of one form differ in the spelling of percent-encodings at most, as in indexability.same_address.
    r"""CREATE TEMP MACRO respelt(part) AS CASE
        WHEN regexp_matches(part, '^(2[dDeE]|3\d|[46][1-9a-fA-F]|[57][\daA]|5[fF]|7[eE])')
        THEN try(decode(unhex(left(part, 2)))) || substr(part, 3)
        ELSE '%' || upper(left(part, 2)) || substr(part, 3) END""",
    """CREATE TEMP MACRO form_of(url) AS CASE WHEN contains(url, '%') THEN
        array_to_string(list_transform(string_split(url, '%'), lambda part, n: if(n = 1, part, respelt(part))), '')
        ELSE url END""",
    # As rule.shown: one line, nothing unprintable, cut.
    r"""CREATE TEMP MACRO shown(written) AS
        regexp_replace(left(written, 200), '[\p{C}\p{Zl}\p{Zp}]', '�', 'g') || if(length(written) > 200, '…', '')""",
    r"CREATE TEMP MACRO said(words) AS trim(regexp_replace(words, '\s+', ' ', 'g'))",
    f"""CREATE TEMP MACRO has_directive(robots, wanted) AS len(list_filter(robots, lambda stated:
        stated.agent IN ('robots', '{JUDGED_AGENT}') AND list_has_any(stated.directives, wanted))) > 0""",
    # What an address did, for a message: "answers 404", "cannot be fetched (dns)".
    """CREATE TEMP MACRO did(status, reason, failed) AS
        if(failed, 'cannot be fetched (' || reason || ')', 'answers ' || status)""",
    r"""CREATE TEMP MACRO robots_of(origin) AS
        regexp_replace(regexp_replace(origin, '^(http:.*):80$', '\1'), '^(https:.*):443$', '\1') || '/robots.txt'""",
    # The pages of a paginated list differ in their number alone.
    r"""CREATE TEMP MACRO series_of(url) AS regexp_replace(regexp_replace(regexp_replace(url,
        '([?&])(?:page|paged|pagenum|pg|seite|pagina|start|offset)=\d+&', '\1'),
        '[?&](?:page|paged|pagenum|pg|seite|pagina|start|offset)=\d+$', ''),
        '/(?:page|seite|pagina)/\d+(/?)$', '\1')""",
    "CREATE TEMP MACRO plural(number, one, more) AS number || ' ' || if(number = 1, one, more)",
)
