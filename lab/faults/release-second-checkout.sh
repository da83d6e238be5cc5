# A second checkout of the console lies in somebody's home.
# host: api-1
# violated: one-copy-only[api-1]
# follow: mends
inject() { as_deploy git clone -q /opt/vox-frontend /home/deploy/test; }
landed() { [ -d /home/deploy/test/.git ]; }
mend() { rm -r /home/deploy/test; }
