"""What nginx does with each path of a server, read from its configuration by the built probe."""

from __future__ import annotations

from typing import Any

import pytest

from tests.built import probe

OUTER = """
map $http_upgrade $connection_upgrade { default upgrade; '' close; }
map $http_user_agent $is_phone { default 0; ~iPhone 1; }
map $uri $by_path { default /a; /b /c; }
map $by_path $again { default $is_phone; }
geo $office { default 0; 192.0.2.0/24 1; }
geo $arg_place $place { default 0; }
split_clients "$request_id" $tenth { 10% 1; * 0; }
upstream grafana { server 127.0.0.1:3000 weight=2; server 192.0.2.7; server unix:/run/grafana.sock; }
upstream again { server grafana; }
"""


def routes(server: str, http: str = "default_type application/octet-stream;") -> list[tuple[str, str, str]]:
    """What the one server of a configuration does."""
    (site,) = probe.nginx_sites({"/n.conf": f"http {{ {http} {OUTER} server {{ {server} }} }}"})
    return [(row["where"], row["does"], row["to"]) for row in site["routes"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("root /srv; try_files $uri $uri/ /index.html;", [("server", "serves", "/srv")]),
        ("location /a/ { alias /srv/a/; }", [("/a/", "serves", "/srv/a/")]),
        ("location = /x.js { return 200 'x=1'; }", [("= /x.js", "answers", "application/javascript")]),
        ("location = /x { return 200 'x'; }", [("= /x", "answers", "application/octet-stream")]),
        ("location ~ \\.js$ { default_type text/css; return 200 'x'; }", [("~ \\.js$", "answers", "text/css")]),
        ("default_type text/html; location /x { return 201 x; }", [("/x", "answers", "text/html")]),
        ("location /x { return 204; } location /y { return 444; } location /z { return 404 '<p>'; } return 200;", []),
        ("location /x { return https://a.example$request_uri; }", [("/x", "sends", "https://a.example")]),
        ("return 301 https://$host$request_uri;", [("server", "sends", "https://$host")]),
        ("location /old { return 302 /new?token=1; }", [("/old", "sends", "/")]),
        ("rewrite ^/a$ http://u:p@b.example:81/c?d permanent;", [("server", "sends", "http://b.example:81")]),
        ("rewrite ^/a$ $scheme://b.example/c;", [("server", "sends", "$scheme://b.example")]),
        ("rewrite ^/a$ /b last;", []),
        ("location /g/ { proxy_pass http://again/x; }", [
            ("/g/", "passes", "127.0.0.1:3000"), ("/g/", "passes", "192.0.2.7:80"), ("/g/", "passes", "unix:/run/grafana.sock"),
        ]),
        ("location /b { proxy_pass https://u:p@b.example/y?z=1; }", [("/b", "passes", "b.example:443")]),
        ("location /b { set $to http://127.0.0.1:8080; proxy_pass $to/x; }", [("/b", "passes", "127.0.0.1:8080")]),
        ("location /b { proxy_pass http://[::1]:8080; }", [("/b", "passes", "[::1]:8080")]),
        ("location /b { proxy_pass http://[::1]/; }", [("/b", "passes", "[::1]:80")]),
        ("location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; }", [("~ \\.php$", "passes", "unix:/run/php.sock")]),
        ("sub_filter a b;", [("server", "changes", "sub_filter")]),
        ("location / { ssi on; }", [("/", "changes", "ssi")]),
        ("location / { ssi off; }", []),
        ("location /l { content_by_lua_block { ngx.say('{') } }", [("/l", "runs", "content_by_lua_block")]),
        ("if ($http_user_agent ~ iPhone) { rewrite ^/$ /m.html last; }", [("server", "tells apart", "$http_user_agent")]),
        ("if ($http_if_none_match) { return 304; }", [("server", "tells apart", "$http_if_none_match")]),
        ("if ($cookie_beta) { return 200 x; }", [("server", "tells apart", "$cookie_beta")]),
        ("if ($remote_addr = 192.0.2.1) { return 302 https://x.example; }", [("server", "tells apart", "$remote_addr")]),
        ("location / { if ($is_phone) { proxy_pass http://127.0.0.1:1; } }", [("/", "tells apart", "$is_phone")]),
        ("if ($office) { set $page /old; } rewrite ^/$ $page last;", [("server", "tells apart", "$page")]),
        ("root /srv/$tenth;", [("server", "tells apart", "$tenth")]),
        ("location / { try_files $uri /$again; }", [("/", "tells apart", "$again")]),
        ("location / { try_files $uri$is_phone $uri /index.html; }", []),
        ("rewrite ^/$ $by_path last; rewrite ^/p$ /$place last;", []),
        ("if ($http_user_agent ~ bad) { return 403; } if ($office) { return 204; }", []),
        ("if ($http_x_forwarded_proto != https) { return 301 https://a.example$request_uri; }", [
            ("server", "sends", "https://a.example"),
        ]),
        ("if ($host = a.example) { return 301 https://$host$request_uri; }", [("server", "sends", "https://$host")]),
        ("if ($request_method = OPTIONS) { return 204; }", []),
        ("location / { proxy_set_header Upgrade $http_upgrade; add_header X-Id $request_id; access_log off; }", []),
        ("location /a { location /a/b { return 200 x; } }", [("/a/b", "answers", "application/octet-stream")]),
        ("return; rewrite; root; set; if; location;", []),
    ],
)  # fmt: skip
def test_what_a_server_does_is_told(text: str, found: list[Any]) -> None:
    assert [row for row in routes(text) if row != ("server", "serves", "")] == found


def test_what_stands_around_all_servers_is_theirs_too() -> None:
    assert routes("", "root /srv; sub_filter a b;") == [("server", "serves", "/srv"), ("server", "changes", "sub_filter")]
    assert routes("location /x { return 200 x; }", "default_type text/html;") == [("/x", "answers", "text/html")]


def test_a_server_does_not_tell_without_end() -> None:
    many = routes("".join(f"location = /{number} {{ return 200 x; }}" for number in range(500)))
    assert len(many) == probe.ROUTES_AT_MOST + 1
    assert many[-1] == ("server", "more", "")
    assert routes(f"location = /{'x' * 5000} {{ return 200 x; }}")[0][0] == f"= /{'x' * 5000}"[: probe.ROUTE_AT_MOST]
    assert routes("set $a $b; set $b $a; location / { proxy_pass $a; }") == [("/", "passes", "$b:80")]
