# exits.sh STATUS COMMAND…: runs the command with stderr on standard output, and fails unless it exits with STATUS.
expected=$1
shift
"$@" 2>&1
status=$?
[ "$status" -eq "$expected" ] && exit 0
echo "exit status $status, expected $expected"
exit 1
