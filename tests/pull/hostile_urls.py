"""Addresses that a document, a redirect or a page may try, and that all lead, however they are read, to where nobody may go."""

HOSTS = """
127.0.0.1 127.0.0.2 127.1 127.0.1 127.255.255.254 127.0.0.1. 127.1. 0.0.0.0 0 0.0 00 0x0 0.0.0.0. 2130706433 2130706433. 0x7f000001 0x7F.0x0.0x0.0x1
0x7f.1 0177.0.0.1 0177.0.0.01 017700000001 00000177.0.0.1 0x7f.0.0.01 0x7f.0.1 127.0x1 localhost LOCALHOST LocalHost localhost. ip6-localhost
[::1] [0:0:0:0:0:0:0:1] [0000::0001] [::] [::0] [::ffff:127.0.0.1] [::FFFF:7F00:1] [0:0:0:0:0:ffff:127.0.0.1] [::ffff:0.0.0.0] [::ffff:169.254.169.254]
[::127.0.0.1] [::7f00:1] [::a9fe:a9fe] [64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b::10.0.0.1] [64:ff9b:1::127.0.0.1] [2002:7f00:1::1]
[2002:a9fe:a9fe::1] [2002:0a00:0001::] [2001:0:4136:e378:8000:63bf:80ff:fffe] [2001::1] [fe80::1] [fe80::1%25lo] [fe80::1%lo] [fe80::1%251] [fe80::5efe:127.0.0.1]
[2600::5efe:127.0.0.1] [2600::200:5efe:10.0.0.1] [fc00::1] [fd00::1] [fd00:ec2::254] [fd20:ce::254] [fec0::1] [ff02::1] [ff01::1] [ff0e::1] [100::1] [2001:db8::1]
[3fff::1] [5f00::1] [4000::1] [8000::1] [e000::1] [::ffff:0:127.0.0.1] [1::1]
169.254.169.254 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.43518 169.254.169.254. 169.254.170.2 169.254.169.253 169.254.0.1 100.100.100.200 168.63.129.16
192.0.0.192 10.0.0.1 10.255.255.255 012.0.0.1 0xa.1 10.1 167772161 172.16.0.1 172.31.255.255 172.17.0.1 192.168.0.1 192.168.1 3232235521 0300.0250.0.1
100.64.0.1 100.127.255.255 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
4294967295 0xffffffff 0.1.2.3 %31%32%37.0.0.1 127%2e0%2e0%2e1 %6cocalhost 127.0.0.1%2f 127.0.0.1%00 127.0.0.1%0d%0a 127.0.0.1%20 127.0.0.1%23.public.test
①②⑦.0.0.1 127。0。0。1 127．0．0．1 ｌocalhost localhost。 ⓛocalhost 127.0.0.1\u200b xn--localhost-
loopback.test LOOPBACK.test. six-loopback.test both-loopback.test mapped.test nat64.test sixtofour.test teredo.test compatible.test isatap.test zero.test
zero-six.test metadata.test metadata-six.test private.test cgnat.test broadcast.test multicast.test unique-local.test link-local.test alias.test
alias-of-alias.test alias-to-metadata.test reserved.test benchmark.test azure.test
""".replace("\\u200b", "\u200b").split()

OTHERS = """
file:///etc/passwd file://127.0.0.1/etc/passwd file://home.test/etc/passwd FILE:///etc/passwd gopher://127.0.0.1:80/_GET gophers://127.0.0.1/ ftp://127.0.0.1/a
ftps://127.0.0.1/a dict://127.0.0.1:80/d:a ldap://127.0.0.1/ ldaps://127.0.0.1/ smb://127.0.0.1/a/b smtp://127.0.0.1/ smtps://127.0.0.1/ imap://127.0.0.1/
pop3://127.0.0.1/ telnet://127.0.0.1:80/ tftp://127.0.0.1/a rtsp://127.0.0.1/a mqtt://127.0.0.1/a scp://127.0.0.1/a sftp://127.0.0.1/a rtmp://127.0.0.1/a
ws://127.0.0.1/ wss://127.0.0.1/ unix:///run/x http+unix://%2Frun%2Fx/ unix:/run/x data:application/json,{} javascript:1 jar:http://127.0.0.1/!/ netdoc:///etc/passwd
127.0.0.1/ http:127.0.0.1/ http:/127.0.0.1/ http:///127.0.0.1/ http:////127.0.0.1/ HTTP://127.0.0.1/ hTtPs://127.0.0.1/ h\u0074tp://127.0.0.1/ http://home.test@127.0.0.1/
http://127.0.0.1@home.test/ http://a:b@127.0.0.1/ http://home.test:80@127.0.0.1/ http://home.test%40127.0.0.1/ http://home.test#@127.0.0.1/
http://home.test\\@127.0.0.1/ http://127.0.0.1\\@home.test/ http://home.test\\.127.0.0.1/ http://127.0.0.1:80:8080/ http://127.0.0.1:+80/ http://127.0.0.1:0x50/
http://127.0.0.1:0/ http://127.0.0.1:65616/ http://127.0.0.1:-1/ http://[127.0.0.1]/ http://[::1/ http://::1/ http://::1]/ http://[::1]x/ http://[::1]@home.test/
http://127.0.0.1;home.test/ http://127.0.0.1,home.test/ http://home.test;@127.0.0.1/ http://127.0.0.1&@home.test/ http://{127.0.0.1}/ http://127.0.0.[1-2]/
http://home.test:25/ http://home.test:22/ http://home.test:6667/ http://home.test:0/ https://home.test:993/ http://home.test:6000/ http:// https:// http://./ http://../
http://.home.test/ http://home..test/ http://-/ http://*/ http://home.test:80x/ //127.0.0.1/ ///127.0.0.1/ \\\\127.0.0.1\\a http:\\\\127.0.0.1\\
""".replace("\\u0074", "t").replace("\\\\", "\\").split()

BROKEN = ["http://127.0.0.1 /", "http://127.0.0.1\t/", " http://127.0.0.1/", "http://127.0.0.1/\r\nHost: home.test", "http://home.test\r\n@127.0.0.1/",
          "http://home.test /@127.0.0.1/", "http://home.test\n127.0.0.1/", "http://127.0.0.1\0home.test/", "http://home.test\0@127.0.0.1/", "ht\ntp://127.0.0.1/",
          "http://127.0.0.1/ HTTP/1.1\r\nX: y\r\n\r\nGET /", "http://\x7f127.0.0.1/"]

NAMES = {
    "loopback.test": [["127.0.0.1"]], "six-loopback.test": [["::1"]], "both-loopback.test": [["::1", "127.0.0.1"]], "mapped.test": [["::ffff:127.0.0.1"]],
    "nat64.test": [["64:ff9b::7f00:1"]], "sixtofour.test": [["2002:7f00:1::1"]], "teredo.test": [["2001:0:4136:e378:8000:63bf:80ff:fffe"]],
    "compatible.test": [["::127.0.0.1"]], "isatap.test": [["2600::5efe:7f00:1"]], "zero.test": [["0.0.0.0"]], "zero-six.test": [["::"]],
    "metadata.test": [["169.254.169.254"]], "metadata-six.test": [["fd00:ec2::254"]], "private.test": [["10.0.0.1", "192.168.1.1", "172.16.0.1"]],
    "cgnat.test": [["100.64.0.1"]], "broadcast.test": [["255.255.255.255"]], "multicast.test": [["224.0.0.1", "ff02::1"]], "unique-local.test": [["fd00::1"]],
    "link-local.test": [["169.254.0.1", "fe80::1"]], "alias.test": [["loopback.test"]], "alias-of-alias.test": [["alias.test"]],
    "alias-to-metadata.test": [["metadata.test"]], "reserved.test": [["240.0.0.1"]], "benchmark.test": [["198.18.0.1"]], "azure.test": [["168.63.129.16"]],
    "xn--localhost-": [["127.0.0.1"]], "ip6-localhost": [["::1"]], "127.0.0.1.": [["127.0.0.1"]],
}


def urls():
    found = []
    for at, host in enumerate(HOSTS):
        found += [f"http://{host}/", f"{'https' if at % 2 else 'http'}://{host}:8080/a?b=c"]
    return found + OTHERS + BROKEN
