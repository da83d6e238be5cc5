# The words that the faults are written in: put before each of them. Every wait has a deadline.
FAULT=/run/fault # what a fault keeps of the host, gone with the next boot

# until_true CMD..: wait until the command succeeds, twenty seconds at most.
until_true() {
	local left=200
	until "$@" >/dev/null 2>&1; do
		[ $((left -= 1)) -gt 0 ] || { echo "not within 20 s: $*" >&2; return 1; }
		sleep 0.1
	done
}

until_false() { until_true not "$@"; }
not() { ! "$@"; }

# get URL-PATH PORT: the body of a page of this host, asked without the gate.
get() { busybox wget -q -T 3 -O - "http://127.0.0.1:$2$1"; }

# well UNIT PORT: restart a unit and wait until it answers as healthy.
well() {
	systemctl reset-failed "$1" 2>/dev/null || true
	systemctl restart "$1"
	until_true get /health "$2"
}
fleet_well() {
	systemctl restart voxcore@1 voxcore@2 voxcore@3
	local n
	for n in 1 2 3; do until_true get /health "810$n"; done
}

# as_deploy CMD..: what an operator does by hand, as the owner of the checkouts.
as_deploy() { runuser -u deploy -- "$@"; }

# detached NAME CMD..: start something that stays, as by hand in a shell; ended NAME: and end it, with all its children.
detached() {
	local name=$1
	shift
	mkdir -p "$FAULT"
	setsid "$@" </dev/null >"$FAULT/$name.log" 2>&1 &
	echo $! >"$FAULT/$name.pid"
}
pid_of() { cat "$FAULT/$1.pid"; }
lives() { kill -0 "$(pid_of "$1")" 2>/dev/null; }
dies() { ! lives "$1"; }
ended() {
	[ -f "$FAULT/$1.pid" ] || return 0
	kill -KILL -- "-$(pid_of "$1")" 2>/dev/null || kill -KILL "$(pid_of "$1")" 2>/dev/null || true
	until_true dies "$1"
	rm -f "$FAULT/$1.pid"
}

# keep FILE: put a copy of it aside; back FILE: and the copy back in its place.
keep() { mkdir -p "$FAULT/kept$(dirname "$1")" && cp -a "$1" "$FAULT/kept$1"; }
back() { cp -a "$FAULT/kept$1" "$1" && rm -f "$FAULT/kept$1"; }

# published: make the console's link anew, as a deploy does once a build is right.
published() { as_deploy sh -euc 'cd /opt/vox-frontend && ln -sfn "$(readlink dist)" .dist.next && mv -T .dist.next dist'; }

# page PORT PATH: take the body from stdin for what a forged service answers there; all else is asked from the real one.
page() {
	mkdir -p "$FAULT/pages/$1"
	cat >"$FAULT/pages/$1/$(printf %s "$2" | tr / _)"
}
# forged PORT: answer on the port in the real service's place, for whoever asks by loopback. unforged PORT: no more.
forged() {
	detached "forged-$1" python3 -I -c "$PAGES" "$1" "$((10000 + $1))" "$FAULT/pages/$1"
	until_true get / "$((10000 + $1))"
	iptables -t nat -A OUTPUT -d 127.0.0.1 -p tcp --dport "$1" -j REDIRECT --to-ports "$((10000 + $1))"
}
is_forged() { iptables -t nat -C OUTPUT -d 127.0.0.1 -p tcp --dport "$1" -j REDIRECT --to-ports "$((10000 + $1))" && lives "forged-$1"; }
unforged() {
	iptables -t nat -D OUTPUT -d 127.0.0.1 -p tcp --dport "$1" -j REDIRECT --to-ports "$((10000 + $1))"
	ended "forged-$1"
	rm -rf "$FAULT/pages/$1"
}
# at_remote ..: git in the bare repository $REPO of the forge, as its owner.
at_remote() { runuser -u git -- git -C "$REPO" "$@"; }
# listens ADDRESS PORT: whether something takes connections there.
listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
# On the machine: copy_dialler HOST FOLDER APP: the dialler's code under another name, in another folder, calling itself APP;
# its run.py takes a port. A host may have a copy in /var/tmp/x only: what it is called there shall not give it away.
copy_dialler() {
	lab exec sip-1 tar -C /opt/vox-dialler --exclude=.git --exclude=__pycache__ -c . |
		lab exec "$1" sh -c "mkdir -p $2 && tar -C $2 -x"
	lab exec "$1" bash -euc "cd $2 && mv vox_dialler app && rm -f uv.lock README.md pyproject.toml .gitignore && rm -rf tests
		sed -i 's/vox_dialler/app/g; s/APP_NAME = .*/APP_NAME = \"$3\"/' app/*.py
		cat >run.py <<-END
			import os, sys
			for line in open('$2/.env'): os.environ.setdefault(*line.rstrip().split('=', 1))
			sys.path.insert(0, '$2')
			from app.serve import serve
			from app.settings import Settings
			serve(Settings.read(os.environ), int(sys.argv[1]))
		END
		chown -R deploy:deploy ."
}
# run_by_hand HOST CMD..: start it there as deploy in a session of its own, end_by_hand HOST: and end it.
run_by_hand() {
	local host=$1
	shift
	lab exec "$host" bash -c "mkdir -p /run/fault; cd /; setsid runuser -u deploy -- $* </dev/null >/run/fault/hand.log 2>&1 &
		echo \$! >/run/fault/hand.pid"
}
# end_by_hand HOST: end it; well too where it has ended by itself, or by what somebody typed.
end_by_hand() { lab exec "$1" bash -c 'p=$(cat /run/fault/hand.pid); kill -KILL -- -$p 2>/dev/null || [ ! -d /proc/$p ]'; }
# ticks HOST PORT: whether a dialler answers there.
ticks() { lab exec "$1" busybox wget -q -T 3 -O - "http://127.0.0.1:$2/health" | grep -q ticks; }

# On the machine: on HOST FUNCTION: a function of the script, with all of these words, on a host.
on() { lab exec "$1" bash -euc "FAULT=$FAULT; $(declare -p "${!HTTPS_@}"); $(declare -f); $2"; }

# The console by https, as certbot leaves nginx. HTTPS_NAME is what people type; whoever types http is sent on, other names get
# nothing. The certificate is by a CA of its own; https_ca has it brought to where the estate's entry says.
HTTPS_NAME=console.vox.example
HTTPS_SITE=/etc/nginx/sites-enabled/vox
HTTPS_LIVE=/etc/letsencrypt/live/$HTTPS_NAME
# certified NAME WHEN..: a certificate for a name, for as long as openssl is told (-days 60), and its CA's beside it.
certified() {
	local name=$1 made=/etc/letsencrypt/archive/$HTTPS_NAME
	shift
	mkdir -p $HTTPS_LIVE $made
	(
		cd $made
		openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/O=Example GmbH/CN=Example CA' -keyout ca.key -out ca.pem
		openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout privkey1.pem -out csr.pem
		echo "subjectAltName=DNS:$name" >names
		openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key "$@" -extfile names -out cert1.pem
		cat cert1.pem ca.pem >fullchain1.pem
		(umask 077 && cat fullchain1.pem privkey1.pem >both1.pem)
	) 2>/dev/null
	ln -sf ../../archive/$HTTPS_NAME/fullchain1.pem $HTTPS_LIVE/fullchain.pem
	ln -sf ../../archive/$HTTPS_NAME/privkey1.pem $HTTPS_LIVE/privkey.pem
}
# https_by_nginx: serve the console's site by it. http_again: and no more.
https_by_nginx() {
	keep $HTTPS_SITE
	cat >/etc/letsencrypt/options-ssl-nginx.conf <<-'END'
		# This file contains important security parameters. If you modify this file manually, Certbot will be unable to update it.
		ssl_session_cache shared:le_nginx_SSL:10m;
		ssl_session_timeout 1440m;
		ssl_session_tickets off;
		ssl_protocols TLSv1.2 TLSv1.3;
		ssl_prefer_server_ciphers off;
		ssl_ciphers "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384";
	END
	sed -i "s,listen 80 default_server;,listen 443 ssl; # managed by Certbot,
		s,listen \[::\]:80 default_server;,listen [::]:443 ssl; # managed by Certbot\n\thttp2 on;,
		s,server_name _;,server_name $HTTPS_NAME;\n\tadd_header Strict-Transport-Security \"max-age=63072000\" always;\n\tssl_certificate $HTTPS_LIVE/fullchain.pem;\n\tssl_certificate_key $HTTPS_LIVE/privkey.pem;\n\tinclude /etc/letsencrypt/options-ssl-nginx.conf;," $HTTPS_SITE
	cat >>$HTTPS_SITE <<-END
		server {
			if (\$host = $HTTPS_NAME) {
				return 301 https://\$host\$request_uri;
			} # managed by Certbot
			listen 80;
			listen [::]:80;
			server_name $HTTPS_NAME;
			return 404; # managed by Certbot
		}
		server {
			listen 443 ssl default_server;
			listen [::]:443 ssl default_server;
			server_name _;
			ssl_reject_handshake on;
		}
	END
	nginx -t
	systemctl reload nginx
}
http_again() {
	back $HTTPS_SITE
	systemctl reload nginx
	rm -rf /etc/letsencrypt
}
# HAProxy ends the console's TLS and sends on who types http; nginx serves it behind, by loopback alone. http_by_nginx_again: no more.
HTTPS_CONFIG=/etc/haproxy/haproxy.cfg
https_by_haproxy() {
	keep $HTTPS_CONFIG
	keep $HTTPS_SITE
	sed -i 's,listen 80 default_server;,listen 127.0.0.1:8088 default_server;,; /listen \[::\]:80/d' $HTTPS_SITE
	nginx -t
	systemctl reload nginx
	until_false listens 127.0.0.1 80
	cat >>$HTTPS_CONFIG <<-END

		frontend console
			bind :::80 v4v6
			bind :::443 v4v6 ssl crt /etc/letsencrypt/archive/$HTTPS_NAME/both1.pem alpn h2,http/1.1
			http-request redirect scheme https code 301 unless { ssl_fc }
			http-response set-header Strict-Transport-Security "max-age=63072000"
			option forwardfor
			default_backend console

		backend console
			server nginx 127.0.0.1:8088 check
	END
	haproxy -c -f $HTTPS_CONFIG
	systemctl reload haproxy
}
http_by_nginx_again() {
	back $HTTPS_CONFIG
	systemctl reload haproxy
	until_false listens 127.0.0.1 80 || true # where other sites keep nginx there, it is as it was all the same
	http_again
}
# https_get PATH: what people see there, asked on the host by its own address.
https_get() {
	printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$1" $HTTPS_NAME |
		openssl s_client -quiet -connect 127.0.0.1:443 -servername $HTTPS_NAME 2>/dev/null
}
# On the machine: https_ca HOST: bring the CA to where the gate reads it, {cache}/lab/ordinary/ca.pem.
https_ca() {
	local folder=${XDG_CACHE_HOME:-$HOME/.cache}/voxgate/lab/ordinary
	mkdir -p "$folder"
	lab exec "$1" cat /etc/letsencrypt/archive/$HTTPS_NAME/ca.pem >"$folder/ca.pem"
}

# package NAME..: install Debian's packages as on any host, from what the image has fetched (lab/recipe/pool.txt); their services
# start. package_gone NAME..: purge them, and what came along with them. is_installed NAME..: whether they are there.
pooled() {
	local log pool=/var/cache/ordinary
	log=$(DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=40 \
		-o Dir::State::lists=$pool/lists -o Dir::Etc::sourcelist=$pool/sources.list -o Dir::Etc::sourceparts=- "$@" 2>&1) ||
		{ echo "$log" | tail -5 >&2; return 1; }
}
package() { pooled install "$@"; }
package_gone() {
	# Not every package ends what it started when it goes; a socket alone would be asked again and start its service anew.
	systemctl -q stop $(dpkg -L "$@" 2>/dev/null | sed -nE "s,.*/systemd/system/([^/@]+\.(service|socket|timer|path))\$,\1,p") 2>/dev/null || true
	pooled purge --auto-remove "$@"
}
is_installed() { dpkg-query -W -f '${db:Status-Abbrev}\n' "$@" 2>/dev/null | grep -c '^ii' | grep -qx $#; }
