# A module that no commit has lies in the package: an import finds it.
# host: sip-1
# violated: no-foreign-files[dialler-sip-1] process-is-the-new-code[sip-1-voxdialler]
# follow: mends
FILE=/opt/vox-dialler/vox_dialler/extra.py
inject() { echo 'print("extra")' >$FILE; }
landed() { [ -s $FILE ]; }
mend() { rm $FILE; }
