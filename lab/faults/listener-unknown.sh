# A program of somebody listens on a fleet host.
# host: fleet-1
# violated: only-expected-listeners[fleet-1]
# follow: mends
inject() { detached debug python3 -m http.server 9229; }
landed() { lives debug && listens 127.0.0.1 9229; }
mend() { ended debug; }
