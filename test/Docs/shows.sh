# usage: shows.sh TEXT PAGE: checks that every line of TEXT is in PAGE.
count=0
while IFS= read -r line; do
  grep -qF -- "$line" "$2" || { echo "$(basename "$2") does not show: $line"; exit 1; }
  count=$((count + 1))
done < "$1"
test $count -gt 0
