#!/bin/sh
# usage: uncalled.sh allowed object ...
# Every global name is used by another file: else it becomes static, or goes.  The file `allowed` lists those that only
# a test calls, one a line, with the reason behind the name; a name in it that has another caller is a fault as well, unless the reason begins with
# "elsewhere": another machine's build calls it.
set -eu
allowed=$1
shift
nm -A -g "$@" | awk -v allowed="$allowed" '
BEGIN {
	while ((getline line < allowed) > 0)
		if (line !~ /^#/ && split(line, word, " ") > 0) {
			if (word[2] == "")
				fault(word[1] ": " allowed " gives no reason")
			reason[word[1]] = word[2]
		}
}
function fault(text) {
	print "uncalled: " text | "LC_ALL=C sort"
	faults++
}
{
	at = index($0, ":")
	file = substr($0, 1, at - 1)
	sub(/^(.*\/)?obj\//, "", file)
	n = split(substr($0, at + 1), word, " ")
	if (word[n - 1] == "U")
		called[word[n]] = 1
	else
		definer[word[n]] = file
}
END {
	for (name in definer)
		if (!(name in called) && !(name in reason) && name != "main")
			fault(definer[name] ": no other file uses " name)
	for (name in reason)
		if (!(name in definer))
			fault(name ": listed in " allowed ", and not there")
		else if (name in called && reason[name] !~ /^elsewhere/)
			fault(name ": listed in " allowed ", and used")
	close("LC_ALL=C sort")
	exit faults > 0
}' >&2
