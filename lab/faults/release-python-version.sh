# A .python-version that nobody committed lies in the checkout: uv would take another Python at the next deploy.
# host: api-1
# violated: no-foreign-files[backend-api-1] process-is-the-new-code[api-1-voxbridge]
# blind: venv-is-the-lock[backend-api-1]
# follow: mends
FILE=/opt/vox-backend/.python-version
inject() { echo 3.14 >$FILE; }
landed() { [ -s $FILE ]; }
mend() { rm $FILE; }
