# uv is gone from a host: whether the environment is the lock cannot be told.
# host: sip-1
# blind: venv-is-the-lock[dialler-sip-1]
# follow: by hand, the lab has no mirror to install it from
inject() { mv /usr/local/bin/uv /usr/local/bin/uv.away; }
landed() { ! uv --version; }
mend() { mv /usr/local/bin/uv.away /usr/local/bin/uv; }
