# on-tmpfs.sh KIBIBYTES DIRECTORY COMMAND…: mounts an empty file system of that size on DIRECTORY in a new namespace, runs the command, which
# must exit with 1, and prints the number of files that it left.
size=$1 directory=$2
shift 2
exec unshare -rm bash -c '
  mount -t tmpfs -o "size=$0k" none "$1" || exit 2
  directory=$1
  shift
  "$@" 2>&1
  echo "status $?"
  echo "left $(find "$directory" -mindepth 1 | wc -l)"' "$size" "$directory" "$@"
