#!/bin/sh
# usage: circles.sh object ...
# No two files call each other, neither directly nor by way of others.  Files in a circle cannot be read, tested or
# changed apart.  Prints the calls of each circle.
set -eu
nm -A -g "$@" | awk '
# "folder/file.o:0000 T name" defines, "folder/file.o:     U name" uses.
{
	at = index($0, ":")
	file = substr($0, 1, at - 1)
	sub(/^(.*\/)?obj\//, "", file)
	n = split(substr($0, at + 1), word, " ")
	name = word[n]
	if (name == "main")
		next
	if (word[n - 1] == "U")
		uses[++used] = file SUBSEP name
	else
		definer[name] = definer[name] " " file
}
# Of several programs that define a name, a file means its own folder.
function defined_by(name, user,   n, i, file, folder) {
	folder = user
	sub(/[^\/]*$/, "", folder)
	n = split(definer[name], file, " ")
	for (i = 1; i <= n; i++)
		if (n == 1 || index(file[i], folder) == 1)
			return file[i]
	return n ? file[1] : ""
}
# A file that calls none or that none calls is in no circle.  These are taken away until none of them is left.
function strip(   call, end, gone) {
	do {
		gone = 0
		split("", into)
		split("", from)
		for (call in names) {
			split(call, end, SUBSEP)
			from[end[1]] = into[end[2]] = 1
		}
		for (call in names) {
			split(call, end, SUBSEP)
			if (!(end[1] in into) || !(end[2] in from)) {
				delete names[call]
				gone = 1
			}
		}
	} while (gone)
}
END {
	for (i = 1; i <= used; i++) {
		split(uses[i], part, SUBSEP)
		to = defined_by(part[2], part[1])
		if (to != "" && to != part[1])
			names[part[1], to] = names[part[1], to] " " part[2]
	}
	strip()
	for (call in names) {
		split(call, end, SUBSEP)
		print "circles: " end[1] " calls " end[2] ":" names[call] | "LC_ALL=C sort"
		faults++
	}
	close("LC_ALL=C sort")
	exit faults > 0
}' >&2
