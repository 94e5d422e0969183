load ../lib/ehr

# The examples of the pages on policies: each file, each condition and each command as it is printed.
pages=("$EHR_ROOT"/share/man/man5/ehr-{policy,classify,redact,authz,consent,tags,site,decision}.5)
blocks() { awk "$@" -f "$EHR_ROOT/tests/lib/page.awk" "${pages[@]}"; }

write_files() {
	local file
	blocks -v files=1 >files
	while read -r file; do
		mkdir -p "$(dirname "$file")"
		blocks -v file="$file" >"$file"
	done <files
}

# Runs a session: "$ command", "> " where it goes on, and what it prints. `cat FILE` of a new file writes it.
run_session() {
	local line command='' want=''
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in
		'$ '*) step && command=${line#??} want='' ;;
		'> '*) command+=$'\n'${line#??} ;;
		*) want+=$line$'\n' ;;
		esac
	done
	step
}

step() {
	local file=${command#cat }
	if [ "$command" = "cat $file" ] && [ ! -e "$file" ]; then
		printf %s "$want" >"$file"
		return
	fi
	bash -o pipefail -ec "$command" </dev/null >got 2>err || {
		printf '%s\n' "$command"
		cat err
		return 1
	}
	diff <(printf %s "$want") got
}

@test "page: the policies of the pages are valid" {
	write_files
	[ "$(wc -l <files)" -gt 15 ]
	for policy in clinic flat; do
		ehr 0 ehr-policy check -P $policy
	done
}

@test "page: the commands print what the pages say" {
	write_files
	blocks -v commands=1 >session
	[ "$(grep -c '^\$ ' session)" -ge 6 ]
	run_session <session
}

@test "page: each condition of ehr-classify(5) holds of the record beside it" {
	write_files
	cp -r flat policy
	sed -i 's/^  type: .*/  type: {const: Thing}/' policy/policy.yaml
	{
		printf '%s\n' 'classify: 1' 'default: open' 'unknown_type: household' \
			'criticality:' '  order: [routine, unsure, sure]' '  default: routine' \
			'  unreadable: unsure' '  rules:'
		sed 's/^- //' conditions.yaml | awk '{ print "    - {id: c" NR ", say: c, is: sure, where: " $0 "}" }'
	} >policy/classify.yaml
	ehr-ingest conditions.json | ehr-classify -P policy >labelled
	[ "$(jq '[.labels[] | select(.criticality == "sure")] | length' labelled)" -eq "$(wc -l <conditions.yaml)" ]
}

@test "page: the directives of ehr-consent(5) are read by the policy of ehr-authz(5)" {
	write_files
	echo '{"subject":{"type":"user","id":"x"},"action":{"name":"read"},"resource":{"type":"patient","id":"ann","properties":{"patient":"ann"}}}' >in
	ehr 0 ehr-authz -P clinic --consents consents --consents consents.ndjson in
	empty err
	ehr 0 ehr-consent events.ndjson
	[ "$(jq -r .in_force out)" = "sha256:$(head -c -1 consents.ndjson | sha256sum | cut -d' ' -f1)" ]
}

@test "page: ehr-tags(5) has each member of ehr, in its order" {
	grep -oE '^TAG(_WITH)?\([A-Z]+, [a-z]+' "$EHR_ROOT/common/line/tags.def" | sed 's/.*, //' | grep -v '^test$' >tags
	sed -n '/^\.Ss Members/,/^\.Ss Manifests/s/^\.It Li //p' "$EHR_ROOT/share/man/man5/ehr-tags.5" >page
	[ "$(wc -l <tags)" -gt 20 ]
	diff <(printf 'v\nstage\n' | cat - tags) page
}

@test "page: ehr-decision(5) has each reason, each attribute and each member that a decision is written with" {
	local page=$EHR_ROOT/share/man/man5/ehr-decision.5 word
	cd "$EHR_ROOT/common/access"
	{
		sed -nE 's/^\t\{ "([a-z-]+)",.*/\1/p' answer_reason.c
		sed -nE 's/^ATTRIBUTE\(.*"([a-z_]+)"\)/\1/p' attributes.def
		grep -ohE '(put_[a-z]+|open_list|open_list_once|json_write_(member|name)[a-z_]*)\([a-z>-]+, "[a-z_]+"' \
			answer.c answer_reason.c | sed 's/.*"\(.*\)"/\1/'
	} >"$BATS_TEST_TMPDIR/words"
	cd "$BATS_TEST_TMPDIR"
	[ "$(wc -l <words)" -gt 120 ]
	grep -E '^\.(It )?(Li|Cm|Em) ' "$page" | tr -c 'a-z_-' '\n' >told
	while read -r word; do
		grep -qxF -e "$word" told || { echo "not on the page: $word"; return 1; }
	done <words
}

@test "page: the tour of ehr(7), in ten commands" {
	pages=("$EHR_ROOT/share/man/man7/ehr.7")
	ln -s "$EHR_ROOT/policies/hospital" hospital
	blocks -v commands=1 >session
	[ "$(grep -c '^\$ ' session)" -eq $((10 + 3 + 1)) ]
	run_session <session
}

# What a page prints as a shell's lines, or as a file, fits a terminal; what holds no blank cannot be broken.
@test "page: that of each program has its files, exit statuses, examples and other pages" {
	local section
	for page in "$EHR_ROOT"/share/man/man1/*.1; do
		for section in FILES 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
			grep -qx ".Sh $section" "$page" || echo "${page##*/}: $section"
		done
	done >missing
	empty missing
}

@test "page: examples have at most 72 columns" {
	for page in "$EHR_ROOT"/share/man/man?/*; do
		awk '{ line = $0; gsub(/\\e/, "\\", line); gsub(/\\\(dq/, "\"", line) }
			/^\.Sh / { examples = $2 == "EXAMPLES" }
			/^\.Ed/ { within = 0 }
			within && length(line) > 72 { print FILENAME ":" FNR ": " line }
			/^\.Bd/ && (examples || name) { within = 1 }
			{ name = FILENAME ~ /5$/ && /^\.Pa .* :$/ }
			sub(/^\.Dl /, "", line) && examples && length(line) > 72 { print FILENAME ":" FNR ": " line }' "$page"
	done | grep -vE ': *(sha256: "[0-9a-f]*"|"url":"[^ ]*",|[{]"[^ ]*[}])$' >wide || true
	empty wide
}
