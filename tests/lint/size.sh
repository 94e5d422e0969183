#!/bin/sh
# usage: size.sh
# No file of the sources or tests is longer than 700 lines. A longer one holds more than one idea. A table (.def) may
# be longer: it holds rows of one kind.
set -eu
find .ci .githooks cmd common share tests -type f ! -name '*.1' ! -name '*.7' ! -name '*.def' -exec awk '
FNR == 701 { print "size: " FILENAME " is longer than 700 lines"; faults++ }
END { exit faults > 0 }' {} + >&2
