#!/bin/sh
# usage: hacking.sh
# HACKING.md has at most 150 lines.  What it names between backticks is there: a path (it holds a slash), a function
# (it ends with parentheses), a make target (it begins with `make`).  A function "in" a path is in that file.
# README.md links to it.
set -eu
faults=$(mktemp)
trap 'rm -f "$faults"' EXIT
fault() { echo "hacking: $*" >>"$faults"; }

lines=$(wc -l <HACKING.md)
[ "$lines" -le 150 ] || fault "HACKING.md has $lines lines, more than 150"
grep -q '(HACKING\.md)' README.md || fault "README.md does not link to HACKING.md"
grep -oE '`[^`]+`' HACKING.md | tr -d '`' | LC_ALL=C sort -u | while read -r name; do
	case $name in
	'make '*)
		target=${name#make }
		make -n "${target%% *}" >/dev/null 2>&1 || fault "there is no make ${target%% *}"
		;;
	*' '* | *'<'* | ../*) ;;
	*/*)
		for path in $name; do
			[ -e "$path" ] || fault "there is no $path"
		done
		;;
	*'()')
		grep -rqE "^(static .*|#define )?${name%??}\\(" common cmd tests --include='*.[ch]' --include='*.bash' --include='*.bats' ||
			fault "there is no function $name"
		;;
	esac
done
grep -oE '`[a-z_0-9]+\(\)` in `[^`]+`' HACKING.md | tr -d '`()' | while read -r function _ path; do
	grep -qE "^(static .*)?$function\(" "$path" 2>/dev/null || fault "$path has no function $function()"
done
[ ! -s "$faults" ] || {
	cat "$faults" >&2
	exit 1
}
