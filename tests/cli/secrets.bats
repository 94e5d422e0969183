#!/usr/bin/env bats
# No secret stands where another may look: arguments, environment, core files, messages; and memory stays the same
# however long the stream.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

PIN='Kqu2fjdkmSUe9 is the PIN'

setup_file() {
	site
	tablet
	printf '%s\n' "$PIN" >pin
	chmod 600 pin
	ehr-keys make --kind sensor --keys cuff --authority site/authority.jwks --pin-file pin --now "$NOW" >cuff.enrol
	ehr-keys enrol -S site --expect "$(ehr-keys list --self --keys cuff | jq -r .sig.jkt)" --now "$NOW" cuff.enrol >/dev/null
	ehr-keys list --self --keys site/keys | jq -c .enc.jwk >server.jwk
}

# looks PID: what others may read of a process, and that it leaves no core.  Its memory is root's alone.
looks() {
	local at=/proc/$1 limit='Max core file size +0 +0'
	# Once it has no core files the program has begun, and not only the shell that starts it.
	until grep -qE "$limit" "$at/limits"; do kill -0 "$1" && sleep 0.01; done
	tr '\0' '\n' <"$at/cmdline" >seen
	tr '\0' '\n' <"$at/environ" >>seen 2>/dev/null || true
	lacks seen Kqu2fjdk
	lacks seen 'BEGIN PRIVATE'
	[ "$(stat -c %u "$at/mem")" -eq 0 ]
}

# held INPUT command ...: looks at it when it has its keys and has written the first line
held() {
	local input=$1 process
	shift
	rm -f slow back
	mkfifo slow back
	"$@" <slow >back 2>err 3>&- &
	process=$!
	exec 9>slow 8<back
	cat "$input" >&9
	[ -n "${END:-}" ] || read -r -t 20 <&8
	looks "$process"
	exec 9>&-
	cat <&8 >/dev/null
	exec 8<&-
	wait "$process"
	lacks err Kqu2fjdk
}

@test "seal, open, provision and release show no secret while they run" {
	own
	cp -r "$F"/{cuff,pin} .
	held "$F/versions" ehr-seal -P "$P" -S site
	held "$F/sealed" ehr-open -S site --now "$NOW"
	echo '{"reading":91.0}' >readings
	held readings ehr-seal --to "$F/server.jwk" --sign cuff/keys/sig.pem --pin-file pin --keys site/keys
	echo '{"broker":{"secret":"Kqu2fjdkmSUe"}}' >params
	END=1 held params ehr-keys provision -S site --device "$ID" --now "$NOW"
	decision release-keys 3 >good
	END=1 held good ehr-keys release --offline -S site --device "$ID" --user nina --decision - --now "$NOW"
}

@test "no message names a PIN, and key files that others may read are refused" {
	own
	cp -r "$F"/{cuff,pin} .
	echo '{"reading":91.0}' >reading
	signs() { ehr "$1" ehr-seal --to "$F/server.jwk" --sign cuff/keys/sig.pem --pin-file pin --keys site/keys reading; }
	# refused VERB: 6, and the message names neither the PIN nor what is in the files
	refused() {
		"$@"
		empty out
		lacks err Kqu2fjdk
		lacks err 'PRIVATE KEY'
	}
	lists() { ehr "$1" ehr-keys list --self --keys cuff; }
	signs 0
	lists 0
	for mode in 640 604 660 666; do
		for file in cuff/keys/sig.pem cuff/self.json pin; do
			chmod $mode $file
			# The directory's own PIN file is another copy.
			[ $file = pin ] || refused lists 6
			[ $file = cuff/self.json ] || refused signs 6
			chmod 600 $file
		done
	done
	chmod 750 cuff
	refused lists 6
	chmod 700 cuff
	lists 0
	echo "${PIN}x" >pin
	refused signs 6
	rm pin
	refused signs 6
	printf '%s\n' "$PIN" >pin && chmod 600 pin
	mv cuff/keys/sig.pem kept && ln -s "$PWD/kept" cuff/keys/sig.pem
	refused lists 6
}

@test "no message repeats a PIN or a code that stands where a URI, a file or an option is expected" {
	own
	ehr-keys signer --domain hospital key.pem >/dev/null
	echo '{}' >in
	# mute STATUS command ...: refused, and what it says has nothing of the PIN
	mute() {
		ehr "$1" timeout 60 "${@:2}" <in
		empty out
		lacks err Kqu2fjdk
	}
	for uri in 'handle:0x81000010?pass=Kqu2fjdk' 'handle:Kqu2fjdk' 'key.pem?pin-value=Kqu2fjdk' 'file:key.pem?pin-value=Kqu2fjdk' \
		'org.openssl.engine:pkcs11:pkcs11:token=a;pin-value=Kqu2fjdk' 'tpm2:Kqu2fjdk' 'PKCS11:token=a;pin-value=Kqu2fjdk' \
		'pkcs11:token=a?pin-value=Kqu2fjdk' ' pkcs11:pin-value=Kqu2fjdk'; do
		for use in --sig --enc; do
			mute 6 ehr-keys make --kind sensor --keys new --authority site/authority.jwks $use "$uri"
			[ ! -e new ]
		done
		mute 6 ehr-keys assert --domain hospital --sign "$uri"
		mute 6 ehr-open --key "$uri"
		mute 6 ehr-seal --to "$F/server.jwk" --keys site/keys --sign "$uri"
		mute 6 ehr-authz -P "$P" -S site --sign "$uri"
		mute 6 ehr-policy sign "$P" --cert key.pem --key "$uri"
	done
	ehr 6 ehr-open --key 'handle:0x81000010?pass=Kqu2fjdk'
	same err <<<'ehr-open: handle:0x81000010: key-invalid: expected no more than ?pass behind the number, and no PIN'
	for word in pin-file parent-pin-file code; do
		mute 4 ehr-keys make --kind sensor --keys new --authority site/authority.jwks "--$word" Kqu2fjdk
		has err "ehr-keys: --$word: No such file"
	done
	mute 4 ehr-keys enrol -S site --code Kqu2fjdk "$F/cuff.enrol"
	for program in ehr-keys\ make ehr-open ehr-seal ehr-authz 'ehr-policy sign'; do
		# shellcheck disable=SC2086
		mute 2 $program --pin=Kqu2fjdk
		has err "unknown option: '--pin'"
	done
}

# peak command ...: the most memory that it held, in KiB
peak() {
	python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}

@test "a stream twenty times as long takes no more memory: seal, open, --gather, --manifest" {
	native || return 0
	own
	cp -r "$F"/{cuff,pin} .
	for _ in {1..250}; do cat "$F/versions"; done >short
	for _ in {1..20}; do cat short; done >long
	for _ in {1..2500}; do echo '{"reading":91.0}'; done >short.readings
	for _ in {1..20}; do cat short.readings; done >long.readings
	# steady command ...: its last word is the input
	steady() {
		local few many
		rm -f list
		few=$(peak "$@" "short$KIND")
		rm -f list
		many=$(peak "$@" "long$KIND")
		echo "$1: $few, $many KiB"
		[ "$many" -le $((few + 2048)) ]
		[ "$many" -le 32768 ]
	}
	KIND='' steady ehr-seal -P "$P" -S site
	KIND='' steady ehr-seal -P "$P" -S site --manifest list
	for size in short long; do ehr-seal -P "$P" -S site $size >$size.sealed; done
	KIND=.sealed steady ehr-open -S site --now "$NOW"
	KIND=.readings steady ehr-seal --to "$F/server.jwk" --sign cuff/keys/sig.pem --pin-file pin --keys site/keys --gather 100
}
