"""The probe: one look at one host. Reads a JSON request on stdin, prints one JSON document of facts, changes nothing but
a cache of its own: as root it keeps hashes, names of folders and what a lock says in /var/lib/voxgate-probe.

On a host it is one file, joined from the modules of the package `voxgate.probe`. It needs nothing but Python >= 3.9 and its
standard library, and takes no arguments, so that it can be installed as the root-owned ``/usr/local/sbin/voxgate-probe`` and be
allowed in sudoers by its exact name.

What it promises, also to someone who holds a stolen deploy account:
* It returns no file's content and no value of a ``.env``: names, modes, times, hashes. Values of the ``.env`` files
  that it can read are cut out of everything it prints. What is asked of files because of such a value is asked with the
  rights of the account that calls: a value that it wrote itself makes it see nothing more.
* It follows no link inside of a service's folder. git runs as the owner of a service's folder, and in the very folder whose owner
  was asked for; uv, which starts what is installed there, as nobody. In a folder of anybody else's no program runs at all.
* It is one at a time, nice, idle at the disk, and bounded in memory, files and time; what it starts ends with it. Nothing is read
  past a limit: what is longer is an error, never a part taken for the whole.
* Every fact is a value, or an error of a kind (denied, missing, timeout, unparsable, failed). Nothing that one part
  meets stops another, and each part has a deadline.
"""
