#!/bin/sh
# usage: types.sh
# No two headers define a type of the same name, so that any file may include any two of them.  A type that a header
# only declares ("struct keys;") is that of the .c file which defines it.
set -eu
{
	find common cmd -name '*.h' | LC_ALL=C sort
	find common cmd -name '*.c' | LC_ALL=C sort
} | xargs awk '
function define(kind, name) {
	name = kind " " name
	if (name in place && place[name] != FILENAME) {
		print "types: " FILENAME ": " name " is in " place[name] " as well"
		faults++
	}
	place[name] = FILENAME
}
/^(struct|union|enum) [a-z_0-9]+;/ && FILENAME ~ /h$/ {
	name = $2
	sub(/;.*/, "", name)
	opaque[$1 " " name] = 1
}
/^(struct|union|enum) [a-z_0-9]+ *\{/ {
	name = $2
	sub(/\{.*/, "", name)
	if (FILENAME ~ /h$/ || ($1 " " name) in opaque)
		define($1, name)
}
/^typedef .*;/ && FILENAME ~ /h$/ {
	name = $0
	sub(/ *;.*/, "", name)
	if (sub(/.*\(\*/, "", name))
		sub(/\).*/, "", name)
	sub(/.*[ *]/, "", name)
	define("typedef", name)
}
END { exit faults > 0 }' >&2 || exit 1
