# What listens is accepted in writing, and gone; a stranger listens on its port. He is not meant, and the waiver covers nothing.
# host: data
# violated: only-expected-listeners[data]
# noted: the waiver of only-expected-listeners[*] until * covers nothing that was found: take it out; until it listens on loopback *
# entry: [[waived]]
# entry: rule = "boot-starts-only-what-is-known"
# entry: subject = "*"
# entry: found = "stats-old.service starts at the next boot, by /etc/systemd/system/multi-user.target.wants/stats-old.service, and /etc/systemd/system/stats-old.service came with no package"
# entry: reason = "the new one comes in spring"
# entry: by = "ops@example.com"
# entry: until = {in 30 days}
# entry: [[waived]]
# entry: rule = "boot-starts-only-what-is-known"
# entry: subject = "*"
# entry: found = "stats-gone.service starts at the next boot, by /etc/systemd/system/multi-user.target.wants/stats-gone.service, and /etc/systemd/system/stats-gone.service came with no package"
# entry: reason = "it goes with the old datacenter"
# entry: by = "ops@example.com"
# entry: until = {in -1 days}
# entry: [[waived]]
# entry: rule = "boot-starts-only-what-is-known"
# entry: subject = "*"
# entry: found = "stats-last.service starts at the next boot, by /etc/systemd/system/multi-user.target.wants/stats-last.service, and /etc/systemd/system/stats-last.service came with no package"
# entry: reason = "it is taken out next week"
# entry: by = "ops@example.com"
# entry: until = {in 5 days}
# entry: [[waived]]
# entry: rule = "only-expected-listeners"
# entry: subject = "*"
# entry: found = "stats-web.service listens on 0.0.0.0:9191, and the estate does not say so"
# entry: reason = "until it listens on loopback"
# entry: by = "ops@example.com"
# entry: until = {in 30 days}
# follow: mends
inject() { detached stats-other python3 -m http.server 9191; }
landed() { lives stats-other && listens 127.0.0.1 9191; }
mend() { ended stats-other; }
