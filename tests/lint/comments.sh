#!/bin/sh
# usage: comments.sh
# Comments in C, which clang-format leaves alone:
#	no banners (/* ---- name ---- */)
#	a comment that begins behind its opening mark ends before a line with the closing mark alone
#	a star at the beginning of a line has a blank behind it
#	no line with a comment goes beyond column 110
set -eu
find common cmd tests -name '*.[ch]' -o -name '*.def' | LC_ALL=C sort | xargs awk '
function fault(text) {
	print "comments: " FILENAME ":" FNR ": " text
	faults++
}
# The width of a line, tabs to the next eighth column, a UTF-8 sequence as one.
function width(text,   n, i, c) {
	gsub(/[\200-\277]/, "", text)
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		n = c == "\t" ? n - n % 8 + 8 : n + 1
	}
	return n + 0
}
FNR == 1 { inside = behind = 0 }
{
	line = $0
	gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
	comment = inside || line ~ /\/\*|\/\//
	if (line ~ /\/\* *---/)
		fault("a banner")
	if (inside && line ~ /^[ \t]*\*\/[ \t]*$/ && behind)
		fault("the closing mark stands alone")
	if (inside && line ~ /^[ \t]*\*[^ \t\/]/)
		fault("a star without a blank behind it")
	if (comment && length($0) > 80 && width($0) > 110)
		fault("a comment beyond column 110")
	if (!inside && match(line, /\/\*/)) {
		rest = substr(line, RSTART + 2)
		if (rest !~ /\*\//) {
			inside = 1
			behind = rest ~ /[^ \t*]/
		}
	} else if (inside && line ~ /\*\//)
		inside = 0
}
END { exit faults > 0 }' >&2 || exit 1
