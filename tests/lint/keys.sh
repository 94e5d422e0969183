#!/bin/sh
# usage: keys.sh folder-of-programs
# ehr-policy help finds every key that a reader or writer of a file of section 5 knows.  Besides, every key of a policy or a
# subscription stands on a page in its text and in an example, and every word that a reader of policies expects in its text.
set -eu
bin=$1
folder=share/man/man5
pages="$folder/ehr-policy.5 $folder/ehr-classify.5 $folder/ehr-redact.5 $folder/ehr-authz.5 $folder/ehr-consent.5"
told=$(mktemp) shown=$(mktemp) keys=$(mktemp) faults=$(mktemp) all=$(mktemp)
trap 'rm -f "$told" "$shown" "$keys" "$faults" "$all"' EXIT
sort_words() { LC_ALL=C sort -u; }

# The files of a group as one line, and what matches a pattern in it.
read_files() { text=$(cat "$@" | tr -s '\n\t ' ' '); }
found() { printf '%s\n' "$text" | grep -oE "$1" || :; }
words() { grep -oE '"[a-zA-Z_0-9 .-]+"' | tr -d '"' | tr ' ' '\n' | grep . || :; }

policy_keys() {
	found 'yaml_(take|need)\([^";]*"[a-z_0-9]+"' | words
	found '\{ "[a-z_0-9]+", ([a-z_]+|NULL|PLACE_[A-Z]+)( \}|,)' | words # tables: key, its reader
	found '\{ "[a-z_]+", ("[a-z_ ]*"|NULL) \}' | words                  # key, the keys in it
	found 'read_keys\([^";]*"[a-z_0-9 ]*"' | words
	found 'bytes_are\(key->text, "[a-z]+"' | words
	found 'group_keys\[[A-Z_]*\] = \{[^}]*\}' | words
	found 'columns\[\] = "[^"]*"' | sed 's/.*= "//; s/"//; s/\\t/\n/g'
	sed -nE 's/^ATTRIBUTE\(.*"([a-z_]+)"\)/\1/p' common/access/attributes.def
}
policy_values() { found '\{ ("[a-z_-]+", )+NULL \}' | words; }
subscription_keys() {
	found 'yaml_(take|need)\([^";]*"[a-z_]+"' | words
	found 'read_limit\([^;]*"[a-z]+", "[a-z]+"' | words
}
# Members of JSON that is read or written by name.
member_keys() {
	found '(json_member|json_write_(member|name)[a-z_0-9]*|yaml_find|jws_text|jws_number|take_member|copy[a-z_]*|read_claim_words|ndjson_[a-z]+|(put|open_list)[a-z_]*|extension_value)\([^";]*"[a-zA-Z_0-9]+"' | words
	found '\{ "[a-z_]+", ("[A-Z0-9a-z]+"|NULL), (true|false) \}' | grep -oE '^\{ "[a-z_]+"' | words
	found '\{ "[a-z]+", &h->[a-z]+ \}' | words
}
tag_keys() { sed -nE '/^#ifdef/,/^#endif/d; s/^TAG(_WITH)?\([A-Z]+, ([a-z]+),.*/\2/p' common/line/tags.def; }

# What pages mark up, and their examples, a word a line.
split() { tr -c 'A-Za-z0-9_-' '\n' | sort_words; }
# shellcheck disable=SC2086
look_at() {
	grep -hE '^\.(It )?(Li|Cm|Ql|Pq|Op) ' $1 | split >"$told"
	sed -n '/^\.Bd/,/^\.Ed/p' $1 | split >"$shown"
}
# missing FILE SAID: SAID of each word of standard input that is not in FILE; both are sorted, and & is the word.
missing() { LC_ALL=C comm -23 - "$1" | sed "s|.*|$folder: $2|" >>"$faults"; }
each_stands() {
	sort_words >"$keys"
	cat "$keys" >>"$all"
	missing "$told" "no key '&', which a reader knows" <"$keys"
	missing "$shown" "no example of '&'" <"$keys"
}

# shellcheck disable=SC2046
read_files $(grep -l 'yaml_' common/policy/*.c common/label/*.c common/redact/*.c common/access/*.c |
	grep -vE '/(yaml_tree|obligations|fhir_[a-z]+)\.c$')
look_at "$pages"
policy_keys | each_stands
policy_values | sort_words | missing "$told" "no word '&', which a reader expects"
read_files common/subscription/subscription*.c
look_at "$folder/ehr-subscription.5"
subscription_keys | each_stands
read_files common/subscription/*.c common/access/facts.c common/access/entities.c common/access/assertion.c common/access/answer*.c \
	common/policy/trust.c common/policy/grants.c common/crypto/*.c common/line/sealed_line.c common/line/manifest.c cmd/keys/*.c \
	cmd/consent/negotiation.c
{
	member_keys
	tag_keys
} >>"$all"
# It names the first that it does not know.
sort_words <"$all" >"$keys"
# shellcheck disable=SC2046
until said=$("$bin/ehr-policy" help -- $(cat "$keys") 2>&1 >/dev/null); do
	key=$(expr "$said" : ".*no page has this key: '\([^']*\)'") || {
		echo "$said" >>"$faults"
		break
	}
	echo "$folder: ehr-policy help knows no '$key', which a reader knows" >>"$faults"
	grep -vxF -e "$key" "$keys" >"$told"
	cp "$told" "$keys"
done
[ "$(wc -l <"$keys")" -gt 300 ] || echo "keys: few keys were found: the readers look otherwise" >>"$faults"
[ ! -s "$faults" ] || {
	cat "$faults"
	exit 1
}
