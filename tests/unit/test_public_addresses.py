"""Which addresses that callers name are the public internet's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.adapters.web.addresses import is_public
from recollect.adapters.web.public_https import MAX_URL_LENGTH, checked_url, resolve
from recollect.domain.errors import InvalidRequestError

PUBLIC = [
    "8.8.8.8",
    "172.15.255.255",
    "172.32.0.0",
    "100.63.255.255",
    "192.1.0.0",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]
NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 - not to be connected to
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "",
    "localhost",
    "8.8.8.8.",
    "010.8.8.8",
    "8.8",
    "134744072",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_of_anything_else(address: str) -> None:
    assert not is_public(address)


HOSTILE = [
    "http://pictures.example/",
    "ftp://pictures.example/",
    "file:///etc/passwd",
    "gopher://pictures.example/",
    "//pictures.example/",
    "pictures.example/a.png",
    "https:pictures.example",
    "https://",
    "https:///a.png",
    "https://?a.png",
    "https://pictures.example:8443/",
    "https://pictures.example:80/",
    "https://pictures.example:0/",
    "https://pictures.example:99999/",
    "https://pictures.example:x/",
    "https://user@pictures.example/",
    "https://user:password@pictures.example/",
    "https://:@pictures.example/",
    "https://169.254.169.254@pictures.example/",
    "https://pictures.example\\@169.254.169.254/",
    "https://pictures.example@169.254.169.254/",
    "https://127.0.0.1/",
    "https://8.8.8.8/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://169.254.169.254/latest/meta-data/",
    "https://0/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1%25eth0]/",
    "https://[2606:4700::1111]/",
    "https://[::1/",
    "https://localhost/",
    "https://localhost./",
    "https://metadata/",
    "https://pictures.example./",
    "https://.pictures.example/",
    "https://pictures..example/",
    "https://pictures.example%00.org/",
    "https://pictures%2eexample/",
    "https://pictures.example%2f@evil.example/",
    "https://pictures .example/",
    "https://pictures.example\n/",
    "https://pictures.example\x00/",
    "https://pictures.example\\.evil.example/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://①②⑦.0.0.1/",
    "https://-pictures.example/",
    "https://pictures.0x7f/",
    f"https://{'a' * 64}.example/",
    f"https://{'a.' * 127}example/",
    f"https://pictures.example/{'a' * MAX_URL_LENGTH}",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_an_address_that_is_not_looked_up(url: str) -> None:
    with pytest.raises(InvalidRequestError, match="must be https://, with the name"):
        checked_url(url)


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("https://pictures.example", b"pictures.example", b"/"),
        ("HTTPS://Pictures.Example:443/A.png?b=c#d", b"pictures.example", b"/A.png?b=c"),
        ("https://bücher.example/ä b", b"xn--bcher-kva.example", b"/%C3%A4%20b"),
        ("https://s3_a.example/?X-Sig=a%2Fb%3D", b"s3_a.example", b"/?X-Sig=a%2Fb%3D"),
        ("https://1.2.3.xn--p1ai/", b"1.2.3.xn--p1ai", b"/"),
    ],
)
def test_an_address_that_is(url: str, host: bytes, target: bytes) -> None:
    checked = checked_url(url)

    assert (checked.raw_host, checked.raw_path) == (host, target)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_whatever_an_address_is_it_is_taken_or_refused(text: str) -> None:
    try:
        url = checked_url(f"https://{text}")
    except InvalidRequestError:
        return

    assert (url.scheme, url.port or 443, url.userinfo) == ("https", 443, b"")
    assert not is_public(url.host)


def test_a_name_is_resolved_to_addresses() -> None:
    assert set(resolve("localhost")) <= {"127.0.0.1", "::1"}
    assert resolve("127.0.0.1") == ["127.0.0.1"]
