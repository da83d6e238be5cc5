"""Building a release on its host, where it can do no harm. Python >= 3.9, standard library only, on a host one file.

Installed as the root-owned ``/usr/local/libexec/voxgate-build``. What a release brings runs while it is built: build backends,
lifecycle scripts, the ``.pth`` files that uv starts with an environment's python. So the account that deploys runs none of it:

* ``install KIND NAME COMMIT [--offline]``, as the deploy account: put the commit's files where the build finds them, have
  systemd start ``voxgate-build@NAME.service`` and wait for it, then copy what came of it into the service's folder, as data:
  files, folders, and links that stay inside. Nothing of it is run. Ends with 0, or says why not, in the build's own words.
* ``prove KIND NAME COMMIT``: the same as far as uv's dry run: 0 if all that the lock names is here.
* ``tools KIND NAME COMMIT``: 0 if the programs of a build run there, and which they are.
* ``build NAME``, by that unit alone, as ``voxbuild``: no home, no key, no other service, nothing outlives it.

In ``/var/lib/voxbuild/NAME`` the folder ``in`` is the deploy account's, and ``tree``, ``out`` and ``cache`` are the build's.
Inside of the sandbox ``tree`` is the service's folder, so that what is built names its final place: ``/opt/NAME``; elsewhere it
is ``/srv/voice/backend`` by the name ``srv--voice--backend``.
"""
