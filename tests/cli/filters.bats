# What all filters share, tried with each of them on the lines that it reads.
bats_require_minimum_version 1.5.0
load ../lib/ehr

setup_file() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital" F="$BATS_FILE_TMPDIR"
	cd "$F" || return 1
	ehr-keys make -P "$P" -S site >/dev/null
	head -n 12 "$EHR_ROOT/testdata/ward/upload.ndjson" >ingest.in
	ehr-ingest <ingest.in >classify.in
	ehr-classify -P "$P" <classify.in >redact.in 2>/dev/null
	ehr-redact -P "$P" -S site <redact.in >seal.in
	ehr-seal -P "$P" -S site --batch b_AAAAAAAAAAAAAAAAAAAAAA <seal.in >open.in
	cp open.in notify.in
	# An event line for every record shows that the record arrived.
	cp -r "$P" told && echo 'visible_change: {keep: 90d, max: 1000}' >>told/notify.yaml
}

# Each filter by name, with what it needs on the command line in args.
each() {
	for name in ingest classify redact seal open notify; do
		case $name in
		ingest) args=(--from lines) ;;
		open) args=(-S "$F/site") ;;
		classify) args=(-P "$P") ;;
		seal) args=(-P "$P" -S "$F/site" --batch b_AAAAAAAAAAAAAAAAAAAAAA) ;;
		notify) args=(-P "$F/told" -S "$F/site") ;;
		*) args=(-P "$P" -S "$F/site") ;;
		esac
		echo "# ehr-$name"
		cp "$F/$name.in" in
		# Not behind || or &&: there, a shell would look at the last line of a test alone.
		"$@"
	done
}

# What the filter says of the policy's gaps at the end of a run is no message about a record.
messages() {
	grep -E '^ehr-[a-z]+: [^ ]*:[0-9]+: ' err >said || true
}

# Sealing is random: its output is compared by its tags.
comparable() {
	if [ "$name" = seal ]; then jq -c .ehr "$1"; else cat "$1"; fi
}

# What it makes of the lines by themselves.
plain() {
	"ehr-$name" "${args[@]}" <"$1" 2>/dev/null
}

@test "--source: messages and refused records name standard input as it says" {
	try() {
		echo nonsense >>in
		rm -f bad
		ehr 1 "ehr-$name" "${args[@]}" --source 'the upload' --on-error quarantine --quarantine bad <in
		has err "ehr-$name: the upload:$(wc -l <in): "
		[ "$(jq -r .ehr.source bad)" = 'the upload' ]
	}
	each try
}

@test "skip: all good lines come out, each bad one is reported once with its line, and it ends with 1" {
	try() {
		plain in >good
		{ printf '{"ehr":\n' && cat in && printf 'nonsense\n{"a":1,"a":2}\n'; } >mixed
		ehr 1 "ehr-$name" "${args[@]}" --on-error skip <mixed
		cmp <(comparable good) <(comparable out)
		messages
		last=$(wc -l <mixed)
		[ "$(wc -l <said)" -eq 3 ]
		has said "ehr-$name: <stdin>:1: truncated: "
		has said "ehr-$name: <stdin>:$((last - 1)): bad-syntax: "
		has said "ehr-$name: <stdin>:$last: "
	}
	each try
}

@test "quarantine: the same, and what was refused can be sent again from a file that only its owner reads" {
	try() {
		rm -f aside
		plain in >good
		{ cat in && printf 'nonsense\n\377\n'; } >mixed
		ehr 1 "ehr-$name" "${args[@]}" --on-error quarantine --quarantine aside <mixed
		cmp <(comparable good) <(comparable out)
		[ "$(stat -c %a aside)" = 600 ]
		[ "$(jq -r .ehr.reason aside | tr '\n' ' ')" = 'bad-syntax bad-utf8 ' ]
		[ "$(jq -r 'select(.record).record' aside)" = nonsense ]
		[ "$(jq -r 'select(.base64).base64' aside | basenc -d --base64url | od -An -tx1)" = ' ff' ]
		[ "$(jq -r 'select(.record).ehr.sha256' aside)" = "$(printf nonsense | sha256sum | cut -d' ' -f1)" ]
	}
	each try
}

@test "fail: exactly what the good lines before the first bad one give, one message, 5" {
	try() {
		# Whole groups only: the versions of one record belong together.
		half=$(awk -v n="$name" '/"n":1,/ || n == "ingest" || n == "classify" || n == "redact" { g++ } g == 4 { print NR - 1; exit }' in)
		head -n "$half" in >before
		plain before >good
		{ cat before && printf 'nonsense\n' && cat in; } >mixed
		ehr 5 "ehr-$name" "${args[@]}" <mixed
		cmp <(comparable good) <(comparable out)
		messages
		[ "$(wc -l <said)" -eq 1 ]
		has said "ehr-$name: <stdin>:$((half + 1)): bad-syntax: "
	}
	each try
}

@test "--max-refused ends the run with 5" {
	try() {
		printf 'x\ny\nz\n' >bad
		ehr 5 "ehr-$name" "${args[@]}" --on-error skip --max-refused 2 <bad
		has err 'more than 2 records refused'
		ehr 1 "ehr-$name" "${args[@]}" --on-error skip --max-refused 3 <bad
	}
	each try
}

@test "--max-refused 0 is misuse, because --on-error fail is that" {
	try() {
		ehr 2 "ehr-$name" "${args[@]}" --on-error skip --max-refused 0 </dev/null
		same err <<<"ehr-$name: --max-refused: not a whole number above 0 (--on-error fail stops at the first refused record): '0' (try ehr-$name --help)"
	}
	each try
}

@test "a quarantine whose reader leaves is a failed write" {
	try() {
		leaver fifo
		yes x | head -n 3000 >bad || true
		ehr 4 "ehr-$name" "${args[@]}" --on-error quarantine --quarantine fifo bad
		has err "ehr-$name: fifo: Broken pipe"
	}
	each try
}

@test "after 20 messages with one reason the rest are counted" {
	try() {
		yes x | head -n 50 >bad || true
		ehr 1 "ehr-$name" "${args[@]}" --on-error skip <bad
		messages
		[ "$(wc -l <said)" -eq 20 ]
		has err 'and 30 more: bad-syntax'
	}
	each try
}

@test "options that do not go together are misuse" {
	try() {
		ehr 2 "ehr-$name" "${args[@]}" --quarantine q </dev/null
		ehr 2 "ehr-$name" "${args[@]}" --on-error quarantine </dev/null
		ehr 2 "ehr-$name" "${args[@]}" --max-refused 3 </dev/null
		ehr 2 "ehr-$name" "${args[@]}" --on-error later </dev/null
		ehr 2 "ehr-$name" "${args[@]}" --max-record 16X </dev/null
		ehr 2 "ehr-$name" "${args[@]}" --max-depth 0 </dev/null
		ehr 2 "ehr-$name" "${args[@]}" --on-error skip --on-error skip </dev/null
	}
	each try
}

@test "input that is output is refused before anything is written" {
	try() {
		rm -f link hard q
		cp in kept
		ln -s in link
		ln in hard
		for out in in link hard; do
			line 2 "timeout 60 ehr-$name ${args[*]} in >>$out"
			same err <<<"ehr-$name: input and output are the same file: 'in' (try ehr-$name --help)"
			cmp in kept
			line 2 "timeout 60 ehr-$name ${args[*]} <in >>$out"
			same err <<<"ehr-$name: input and output are the same file: '$PWD/in' (try ehr-$name --help)"
			line 2 "timeout 60 ehr-$name ${args[*]} /dev/null - <in >>$out"
			line 2 "timeout 60 ehr-$name ${args[*]} /dev/null /dev/stdin <in >>$out"
			line 2 "timeout 60 ehr-$name ${args[*]} kept $out >>in"
		done
		chmod 600 in
		ehr 2 timeout 60 "ehr-$name" "${args[@]}" --on-error quarantine --quarantine in kept hard
		has err "ehr-$name: input and output are the same file: 'in'"
		ehr 2 timeout 60 "ehr-$name" "${args[@]}" --on-error quarantine --quarantine link kept in
		has err "ehr-$name: input and output are the same file: 'link'"
		cmp in kept
		line 2 "ehr-$name ${args[*]} --on-error quarantine --quarantine q kept >q"
		has err "ehr-$name: --quarantine: standard output is the same file: 'q'"
		# A message on standard error would be written into the input.
		line 2 "exec 2>>in; timeout 60 ehr-$name ${args[*]} in >other"
		cmp in kept
		empty err other
		ehr 0 "ehr-$name" "${args[@]}" /dev/null </dev/null
		line 0 "ehr-$name ${args[*]} in >other 2>&1"
	}
	each try
}

@test "a quarantine that others can read, a link, a folder, a device or a FIFO without a reader: 4" {
	try() {
		rm -rf aside fifo
		quarantined() { ehr 4 timeout 60 "ehr-$name" "${args[@]}" --on-error quarantine --quarantine "$1" bad; }
		printf 'x\n' >bad
		touch open && chmod 640 open
		quarantined open
		same err <<<"ehr-$name: open: open to others, or somebody else's: chmod 600, or name another file"
		empty open
		ln -sf other aside
		quarantined aside
		same err <<<"ehr-$name: aside: a symbolic link: name the file itself"
		mkfifo -m 600 fifo
		quarantined fifo
		same err <<<"ehr-$name: fifo: a FIFO that nobody reads: start its reader first"
		quarantined .
		same err <<<"ehr-$name: .: Is a directory"
		quarantined /dev/null
		same err <<<"ehr-$name: /dev/null: neither a file nor a FIFO: name a file"
		quarantined nowhere/file
		same err <<<"ehr-$name: nowhere/file: No such file or directory"
		cat fifo >got 3>&- &
		# This open returns when the reader has opened its end.
		exec 8>fifo
		ehr 1 timeout 60 "ehr-$name" "${args[@]}" --on-error quarantine --quarantine fifo bad
		exec 8>&-
		wait $!
		[ "$(jq -r .ehr.reason got)" = bad-syntax ]
	}
	each try
}

@test "a folder or an unreadable file as input ends with 4, and says how many files were not read" {
	try() {
		plain in >good
		ehr 4 "ehr-$name" "${args[@]}" .
		same err <<<"ehr-$name: .: Is a directory"
		ehr 4 "ehr-$name" "${args[@]}" in . nowhere
		has err "ehr-$name: .: Is a directory; 1 more not read"
		ehr 4 "ehr-$name" "${args[@]}" in nowhere in in
		has err "ehr-$name: nowhere: No such file or directory; 2 more not read"
	}
	each try
}

@test "--max-record and --max-depth refuse with their reason" {
	try() {
		printf '{"a":%s}\n' "$(head -c 400000 /dev/zero | tr '\0' 1)" >long
		ehr 1 "ehr-$name" "${args[@]}" --on-error skip --max-record 1K <long
		has err ':1: too-long: limit of --max-record passed at byte '
		printf '{"a":%s%s}\n' '[[[[[[[[[[' ']]]]]]]]]]' >deep
		ehr 1 "ehr-$name" "${args[@]}" --on-error skip --max-depth 3 <deep
		has err ':1: too-deep: limit of --max-depth passed at byte '
	}
	each try
}

@test "CR LF, empty lines, a mark before all else and a missing last newline change nothing" {
	try() {
		plain in >good
		{ printf '\357\273\277' && sed 's/$/\r/; 1s/$/\n\n/' in | head -c -2; } >other
		ehr 0 "ehr-$name" "${args[@]}" <other
		cmp <(comparable good) <(comparable out)
	}
	each try
}

@test "files are read in order, - is standard input, and messages name the file" {
	try() {
		plain in >good
		printf 'x\n' >bad
		ehr 5 "ehr-$name" "${args[@]}" - bad <in
		cmp <(comparable good) <(comparable out)
		has err "ehr-$name: bad:1: bad-syntax: "
		ehr 4 "ehr-$name" "${args[@]}" nowhere
		has err "ehr-$name: nowhere: No such file or directory"
	}
	each try
}

@test "a full disk, a closed output and a file that may not grow end with 4" {
	try() {
		for _ in 1 2 3 4 5 6 7 8; do cat in; done >many
		line 4 "ehr-$name ${args[*]} <many >/dev/full"
		has err 'No space left on device'
		line 4 "ehr-$name ${args[*]} <many >&-"
		line 4 "ulimit -f 1; ehr-$name ${args[*]} <many >big"
		has err 'File too large'
	}
	each try
}

@test "a slow stream passes record by record" {
	try() {
		rm -f slow back
		mkfifo slow back
		"ehr-$name" "${args[@]}" <slow >back 2>/dev/null 3>&- &
		exec 9>slow 8<back
		# The first record, with all of its versions.
		awk -v n="$name" 'NR > 1 && (n == "ingest" || n == "classify" || n == "redact" || /"n":1,/) { exit } { print }' in >&9
		read -r -t 20 got <&8
		[ -n "$got" ]
		exec 9>&-
		cat <&8 >/dev/null
		exec 8<&-
		wait $!
	}
	each try
}

@test "a reader that leaves ends it by SIGPIPE" {
	try() {
		for _ in {1..400}; do cat in; done >many
		line 0 "ehr-$name ${args[*]} <many 2>/dev/null | head -n 1 >/dev/null; [ \"\${PIPESTATUS[0]}\" -eq 141 ]"
	}
	each try
}

@test "a crash would leave no core, exec gives no privileges, and SIGUSR1 prints the summary" {
	try() {
		rm -f slow back
		mkfifo slow back
		"ehr-$name" "${args[@]}" <slow >back 2>said 3>&- &
		exec 9>slow 8<back
		cat in >&9
		# What comes out shows that the program has begun.
		read -r -t 20 got <&8
		[[ $(</proc/$!/limits) =~ Max\ core\ file\ size\ +0\ +0 ]]
		[[ $(</proc/$!/status) =~ NoNewPrivs:[[:space:]]+1 ]]
		kill -USR1 $!
		exec 9>&-
		cat <&8 >/dev/null
		exec 8<&-
		wait $!
		has said ' read, '
	}
	each try
}

@test "-v prints a summary with the reasons" {
	try() {
		{ cat in && printf 'x\n'; } >mixed
		ehr 1 "ehr-$name" "${args[@]}" -v --progress --on-error skip <mixed
		grep -qE "^ehr-$name: [0-9]+ read, [0-9]+ written, 1 refused \(bad-syntax 1\).*, [0-9.]+ s$" err
	}
	each try
}

@test "no byte of a record is on standard error, wherever the line breaks" {
	try() {
		line=$(sed -n 3p in)
		i=1
		while [ "$i" -lt "${#line}" ]; do
			printf '%s\n' "${line:0:i}"
			i=$((i + 37))
		done >pieces
		ehr 1 "ehr-$name" "${args[@]}" --on-error skip <pieces
		for word in Lindqvist Birkenweg 555-0101 MR-100001 999-00 Ada resourceType; do lacks err "$word"; done
	}
	each try
}

@test "the pieces of a file give the pieces of the output" {
	try() {
		[ "$name" != seal ] || return 0
		plain in >whole
		awk -v n="$name" '{ if (n == "ingest" || n == "classify" || n == "redact" || /"n":1,/) g++; print >("piece." g) }' in
		for piece in $(printf '%s\n' piece.* | sort -t. -k2n); do plain "$piece"; done >joined
		rm -f piece.*
		cmp whole joined
	}
	each try
}

# Whichever call of its kind fails, the program ends with 4, or 6 where the library of keys could not go on, and says so;
# or (libraries may do without) its output is what it should be.
orderly() {
	local call=$1 n=0 got
	shift
	while [ "$n" -lt 800 ]; do
		n=$((n + step))
		rm -f fired
		got=0
		timeout 60 env EHR_FAULT=$call:$n EHR_FAULT_LOG="$PWD/fired" LD_PRELOAD="$EHR_FAULT_SO" "$@" \
			<in >out 2>err || got=$?
		[ -e fired ] || return 0
		case $got in
		0) cmp <(comparable good) <(comparable out) ;;
		4 | 6) [ -s err ] ;;
		*)
			echo "$call number $n failed: ended with $got" >&2
			cat err >&2
			return 1
			;;
		esac || return 1
	done
}

@test "whichever read, write or allocation fails, it ends with 4 and says so" {
	# LD_PRELOAD and sanitizers do not go together: this is the matter of the plain run.
	native || return 0
	try() {
		head -n 4 in >short && mv short in
		plain in >good
		torture write "ehr-$name" "${args[@]}"
		step=1
		orderly read "ehr-$name" "${args[@]}"
		# Every allocation of the plain filters; of those that load policies and keys every seventh or so.
		step=1
		[ "$name" = ingest ] || step=17
		for call in malloc calloc realloc; do orderly "$call" "ehr-$name" "${args[@]}"; done
	}
	each try
}
