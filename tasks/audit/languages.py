"""Language codes that search engines read in hreflang: ISO 639-1, then ISO 15924 and ISO 3166-1 where wanted."""

from collections.abc import Iterator

from tasks.audit.rule import shown


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


LANGUAGES = _codes(
    """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka
    kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng
    nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su
    sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    """
)
REGIONS = _codes(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
    CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA
    GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
    MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS
    RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW
    TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """
)
SCRIPTS = _codes(
    """
    Adlm Afak Aghb Ahom Arab Aran Armi Armn Avst Bali Bamu Bass Batk Beng Berf Bhks Blis Bopo Brah Brai Bugi Buhd Cakm
    Cans Cari Cham Cher Chis Chrs Cirt Copt Cpmn Cprt Cyrl Cyrs Deva Diak Dogr Dsrt Dupl Egyd Egyh Egyp Elba Elym Ethi
    Gara Geok Geor Glag Gong Gonm Goth Gran Grek Gujr Gukh Guru Hanb Hang Hani Hano Hans Hant Hatr Hebr Hira Hluw Hmng
    Hmnp Hntl Hrkt Hung Inds Ital Jamo Java Jpan Jurc Kali Kana Kawi Khar Khmr Khoj Kitl Kits Knda Kore Kpel Krai Kthi
    Lana Laoo Latf Latg Latn Leke Lepc Limb Lina Linb Lisu Loma Lyci Lydi Mahj Maka Mand Mani Marc Maya Medf Mend Merc
    Mero Mlym Modi Mong Moon Mroo Mtei Mult Mymr Nagm Nand Narb Nbat Newa Nkdb Nkgb Nkoo Nshu Ogam Olck Onao Orkh Orya
    Osge Osma Ougr Palm Pauc Pcun Pelm Perm Phag Phli Phlp Phlv Phnx Piqd Plrd Prti Psin Qaaa Qabx Ranj Rjng Rohg Roro
    Runr Samr Sara Sarb Saur Sgnw Shaw Shrd Shui Sidd Sidt Sind Sinh Sogd Sogo Sora Soyo Sund Sunu Sylo Syrc Syre Syrj
    Syrn Tagb Takr Tale Talu Taml Tang Tavt Tayo Telu Teng Tfng Tglg Thaa Thai Tibt Tirh Tnsa Todr Tols Toto Tutg Ugar
    Vaii Visp Vith Wara Wcho Wole Xpeo Xsux Yezi Yiii Zanb Zinh Zmth Zsye Zsym Zxxx Zyyy Zzzz
    """
)
DEFAULT = "x-default"

_MEANT_LANGUAGE = {
    "cn": "zh",
    "cz": "cs",
    "dk": "da",
    "gb": "en",
    "gr": "el",
    "in": "id",
    "iw": "he",
    "ji": "yi",
    "jp": "ja",
    "kz": "kk",
    "ua": "uk",
    "us": "en",
    "vn": "vi",
}
_MEANT_REGION = {"UK": "GB", "EN": "GB", "EL": "GR", "JA": "JP", "KO": "KR", "DA": "DK", "CS": "CZ"}
_MAX_PARTS = 3
_SCRIPT_LENGTH = 4


def is_default(code: str) -> bool:
    return code.strip().lower() == DEFAULT


def language_of(code: str) -> str:
    """The language of a valid code; empty for x-default and invalid ones."""
    return "" if is_default(code) or fault_of(code) else code.strip().lower().partition("-")[0]


def fault_of(code: str) -> str:
    """What is wrong with an hreflang; empty where nothing is. Letter case does not matter."""
    code = code.strip()
    return "" if is_default(code) else next(_faults(code), "")


def _faults(code: str) -> Iterator[str]:
    if not code:
        yield "it is empty"
    if "_" in code:
        yield "the parts are joined by a hyphen, not an underscore"
    language, *rest = code.split("-", _MAX_PARTS)
    if language.lower() not in LANGUAGES:
        yield f"{_named(language)} is no ISO 639-1 language{_meant(_MEANT_LANGUAGE.get(language.lower()))}"
    if rest and len(rest[0]) == _SCRIPT_LENGTH:
        script = rest.pop(0)
        if script.title() not in SCRIPTS:
            yield f"{_named(script)} is no ISO 15924 script"
    if rest:
        region = rest.pop(0)
        if region.upper() not in REGIONS:
            yield f"{_named(region)} is no ISO 3166-1 region{_meant(_MEANT_REGION.get(region.upper()))}"
    if rest:
        yield f"{_named('-'.join(rest))} is one part too many"


def _named(part: str) -> str:
    return f'"{shown(part, 40)}"'


def _meant(code: str | None) -> str:
    return f", {code} is meant" if code else ""
