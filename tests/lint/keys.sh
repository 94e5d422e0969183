#!/bin/sh
# Every key that a reader of policies takes stands in a page on policies, in its text and in an example that a test runs;
# every word that a reader expects stands in its text.
set -eu
folder=share/man/man5
pages="$folder/ehr-policy.5 $folder/ehr-classify.5 $folder/ehr-redact.5 $folder/ehr-authz.5 $folder/ehr-consent.5"
readers=$(grep -l 'yaml_' common/policy/*.c common/label/*.c common/redact/*.c common/access/*.c |
	grep -vE '/(yaml_tree|obligations|fhir_[a-z]+)\.c$')

# The readers as one line, and what matches a pattern in it.
# shellcheck disable=SC2086
text=$(cat $readers | tr -s '\n\t ' ' ')
found() { printf '%s\n' "$text" | grep -oE "$1" || :; }
words() { grep -oE '"[a-z_0-9 -]+"' | tr -d '"' | tr ' ' '\n' | grep . || :; }

keys() {
	found 'yaml_(take|need)\([^";]*"[a-z_0-9]+"' | words
	found '\{ "[a-z_0-9]+", ([a-z_]+|NULL|PLACE_[A-Z]+)( \}|,)' | words # tables: key, its reader
	found '\{ "[a-z_]+", ("[a-z_ ]*"|NULL) \}' | words                  # key, the keys in it
	found 'read_keys\([^";]*"[a-z_0-9 ]*"' | words
	found 'bytes_are\(key->text, "[a-z]+"' | words
	found 'group_keys\[[A-Z_]*\] = \{[^}]*\}' | words
	found 'columns\[\] = "[^"]*"' | sed 's/.*= "//; s/"//; s/\\t/\n/g'
	sed -nE 's/^ATTRIBUTE\(.*"([a-z_]+)"\)/\1/p' common/access/attributes.def
}
values() { found '\{ ("[a-z_-]+", )+NULL \}' | words; }

# What the page marks up, and its examples, a word a line.
split() { tr -c 'A-Za-z0-9_-' '\n' | LC_ALL=C sort -u; }
told=$(mktemp) shown=$(mktemp) faults=$(mktemp)
trap 'rm -f "$told" "$shown" "$faults"' EXIT
# shellcheck disable=SC2086
grep -hE '^\.(It )?(Li|Cm|Ql|Pq|Op) ' $pages | split >"$told"
# shellcheck disable=SC2086
sed -n '/^\.Bd/,/^\.Ed/p' $pages | split >"$shown"

keys | LC_ALL=C sort -u | while read -r key; do
	grep -qxF -e "$key" "$told" || echo "$folder: no key '$key', which a reader knows"
	grep -qxF -e "$key" "$shown" || echo "$folder: no example of '$key'"
done >>"$faults"
values | LC_ALL=C sort -u | while read -r word; do
	grep -qxF -e "$word" "$told" || echo "$folder: no word '$word', which a reader expects"
done >>"$faults"
[ "$(keys | LC_ALL=C sort -u | wc -l)" -gt 150 ] || echo "keys: few keys were found: the readers look otherwise" >>"$faults"
[ ! -s "$faults" ] || {
	cat "$faults"
	exit 1
}
