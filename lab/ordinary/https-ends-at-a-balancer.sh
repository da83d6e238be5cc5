# TLS ends at a balancer outside of the estate (a stand-in of Python's): nginx gets plain http from it, told that it was https.
# host: machine
# common: everybody behind a cloud's balancer
# alone: every page of the console is asked for otherwise
# entry: [console]
# entry: url = "https://console.vox.example"
# entry: ca = "{cache}/lab/ordinary/ca.pem"
# entry: plain = 80
# entry: at = "198.51.100.10"
# without: nginx-serves-exactly-dist[console-api-1] backend-health-is-clean[api-1-voxbridge]
# blind: console-exposes-nothing[console-api-1]
there() {
	keep $HTTPS_SITE
	sed -i 's,^\tindex index.html;,&\n\tif ($http_x_forwarded_proto != https) {\n\t\treturn 301 https://console.vox.example$request_uri;\n\t},' $HTTPS_SITE
	nginx -t
	systemctl reload nginx
}
balancer() {
	certified $HTTPS_NAME -days 60
	cat >/run/balancer.py <<-'END'
		import http.client, http.server, ssl, sys
		class Balancer(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        there = http.client.HTTPConnection("198.51.100.21", 80, timeout=5)
		        there.request("GET", self.path, headers={"Host": self.headers["Host"], "X-Forwarded-Proto": "https"})
		        answer = there.getresponse()
		        body = answer.read()
		        self.send_response(answer.status)
		        for name, value in answer.getheaders():
		            if name.lower() not in {"transfer-encoding", "connection", "date", "server", "content-length"}:
		                self.send_header(name, value)
		        self.send_header("Content-Length", str(len(body)))
		        self.end_headers()
		        self.wfile.write(body)
		server = http.server.ThreadingHTTPServer(("0.0.0.0", 443), Balancer)
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain(sys.argv[1])
		server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
		server.serve_forever()
	END
	detached balancer python3 /run/balancer.py /etc/letsencrypt/archive/$HTTPS_NAME/both1.pem
	until_true listens 127.0.0.1 443
}
is_there() { https_get / | grep -q '<html'; }
is_behind() { ! get / 80; }
away() { ended balancer && rm -rf /etc/letsencrypt /run/balancer.py; }
inject() {
	on api-1 there
	on forge balancer
	https_ca forge
}
landed() { on forge is_there && on api-1 is_behind; }
mend() {
	on forge away
	on api-1 http_again
}
