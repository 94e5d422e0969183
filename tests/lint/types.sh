#!/bin/sh
# usage: types.sh
# No two headers define a type of the same name, so that any file may include any two of them.
set -eu
find common cmd -name '*.h' | LC_ALL=C sort | xargs awk '
function define(kind, name) {
	name = kind " " name
	if (name in place && place[name] != FILENAME) {
		print "types: " FILENAME ": " name " is in " place[name] " as well"
		faults++
	}
	place[name] = FILENAME
}
/^(struct|union|enum) [a-z_0-9]+ *\{/ {
	name = $2
	sub(/\{.*/, "", name)
	define($1, name)
}
/^typedef .*;/ {
	name = $0
	sub(/ *;.*/, "", name)
	if (sub(/.*\(\*/, "", name))
		sub(/\).*/, "", name)
	sub(/.*[ *]/, "", name)
	define("typedef", name)
}
END { exit faults > 0 }' >&2 || exit 1
