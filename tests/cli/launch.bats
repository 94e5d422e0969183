bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/ca

# ehr-launch: a program runs if its signature holds, and the copy that was verified is what runs.

setup_file() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" F="$BATS_FILE_TMPDIR"
	cd "$F" || return 1
	ca ca
	certificate ca release codeSigning
	for program in sh cat env false; do
		cp "$(type -P "$program")" "$program"
		ehr-policy sign --key release.key --cert release.pem "$program"
	done
}

own() {
	cp "$F"/* .
}

launch() {
	ehr-launch --trust ca.pem --crl ca.crl "$@"
}

# refused REASON [option ...]: ./sh is not started, for that reason.
refused() {
	local reason=$1
	shift
	ehr 126 launch "$@" -- ./sh -c 'echo ran'
	empty out
	has err "ehr-launch: "
	has err "$reason"
	ehr 126 launch --verify-only "$@" sh cat
	has err "$reason"
}

@test "use case 1.0.11: a signed program runs, with its arguments, its input, and its exit status" {
	own
	ehr 0 launch -- ./cat - <<<'as it came'
	same out <<<'as it came'
	empty err
	ehr 1 launch -- ./false
	empty err
	ehr 7 launch -- ./sh -c 'echo "$0 $1 $2"; exit 7' a 'b c' '--trust'
	same out <<<'a b c --trust'
	ehr 0 launch --verify-only sh cat env
	empty out err
	[ "$(umask)" = "$(launch -- ./sh -c umask)" ]
}

@test "a program on a file system that cannot splice is copied by reading and writing" {
	native || return 0 # a preloaded fault and a sanitizer's own functions exclude each other
	own
	ehr 0 env EHR_FAULT=sendfile:1 EHR_FAULT_LOG="$PWD/fired" LD_PRELOAD="$EHR_FAULT_SO" \
		ehr-launch --trust ca.pem --crl ca.crl -- ./cat - <<<'as it came'
	same out <<<'as it came'
	[ -e fired ]
	printf x >>./cat
	ehr 126 env EHR_FAULT=sendfile:1 LD_PRELOAD="$EHR_FAULT_SO" ehr-launch --trust ca.pem --crl ca.crl -- ./cat
	has err signature-invalid
}

@test "what no signature can hold for is not copied" {
	native || return 0 # a preloaded fault and a sanitizer's own functions exclude each other
	own
	early() {
		ehr 126 env EHR_FAULT=sendfile:1 EHR_FAULT_LOG="$PWD/copied" LD_PRELOAD="$EHR_FAULT_SO" \
			ehr-launch --trust ca.pem --crl ca.crl -- ./big
		has err "$1"
		[ ! -e copied ]
	}
	truncate -s 1G big
	early 'big.p7s: signature-missing'
	truncate -s 65537 big.p7s
	early 'big.p7s: File too large'
	cp sh.p7s big.p7s
	truncate -s $((1024 * 1024 * 1024 + 1)) big
	early 'big: File too large'
	echo '#!/bin/sh' >big
	early 'big: is-script'
	cp sh big && printf x >>big
	ehr 126 env EHR_FAULT=sendfile:1 EHR_FAULT_LOG="$PWD/copied" LD_PRELOAD="$EHR_FAULT_SO" \
		ehr-launch --trust ca.pem --crl ca.crl -- ./big
	[ -e copied ]
}

@test "one byte changed anywhere, a byte more, one less, nothing, or no signature: not started" {
	own
	local at size
	size=$(wc -c <./sh)
	for at in 0 1 4 $((size / 2)) $((size - 1)); do
		cp "$F/sh" sh
		printf "\\x$(printf %02x $(($(od -An -tu1 -j $at -N1 sh) ^ 1)))" | dd of=sh bs=1 seek="$at" conv=notrunc status=none
		refused signature-invalid
	done
	cp "$F/sh" sh && printf '\0' >>./sh && refused signature-invalid
	cp "$F/sh" sh && truncate -s -1 sh && refused signature-invalid
	: >./sh && refused signature-invalid
	cp "$F/sh" sh && cp cat.p7s sh.p7s && refused signature-invalid
	: >sh.p7s && refused signature-invalid
	size=$(wc -c <"$F/sh.p7s")
	for at in 1 2 64 $((size / 2)) $((size - 70)) $((size - 1)); do
		head -c "$at" "$F/sh.p7s" >sh.p7s && refused signature-invalid
	done
	rm sh.p7s && refused 'sh.p7s: signature-missing'
	rm sh && refused 'No such file'
}

@test "another usage, a foreign CA, a weak digest: not started; a stock tool's signature: started" {
	own
	local s='openssl cms -sign -binary -outform DER -in sh -out sh.p7s'
	for use in serverAuth emailProtection; do
		certificate ca "c-$use" $use
		$s -md sha256 -signer "c-$use.pem" -inkey "c-$use.key"
		refused signer-usage
	done
	ca other && certificate other foreign codeSigning
	$s -md sha256 -signer foreign.pem -inkey foreign.key
	refused signature-invalid
	has err 'does not lead to this CA'
	$s -md sha1 -signer release.pem -inkey release.key
	refused signature-invalid
	$s -md sha256 -signer release.pem -inkey release.key -signer foreign.pem -inkey foreign.key
	refused signature-invalid
	$s -md sha256 -signer release.pem -inkey release.key
	ehr 0 launch -- ./sh -c 'echo ran'
	openssl cms -verify -binary -purpose any -inform DER -in "$F/sh.p7s" -content sh -CAfile ca.pem -out /dev/null 2>said
}

@test "expired, revoked, without a list, with an old list or one of the future: not started" {
	own
	openssl ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.pem -crldays 3000 -out ca.crl 2>/dev/null
	refused 'sh.p7s: certificate-expired' --now "$(date -u -d '+3 years' +%FT%TZ)"
	crl ca
	refused crl-expired --now "$(date -u -d '+40 days' +%FT%TZ)"
	refused 'clock right' --now 1970-01-01T00:00:00Z
	ca other
	ehr 126 ehr-launch --trust ca.pem --crl other.crl -- ./sh
	has err crl-missing
	ehr 126 ehr-launch --trust ca.pem --crl /dev/null -- ./sh
	ehr 126 ehr-launch --trust ca.pem --crl release.pem -- ./sh
	has err crl-missing
	ehr 126 ehr-launch --trust release.key --crl ca.crl -- ./sh
	has err 'not the certificate of a CA'
	ehr 2 ehr-launch --trust ca.pem -- ./sh
	has err '--crl FILE'
	revoke ca release
	refused certificate-revoked
}

@test "an old program, correctly signed, is kept out by --signed-after" {
	own
	ehr-policy sign --key release.key --cert release.pem --now 2026-05-01T12:00:00Z sh cat
	ehr 0 launch --signed-after 2026-05-01T12:00:00Z -- ./sh -c :
	refused signed-before --signed-after 2026-05-01T12:00:01Z
}

@test "scripts, links, folders and devices are not started; a script can be verified as data" {
	own
	printf '#!/bin/sh\necho ran\n' >script && chmod +x script
	ehr-policy sign --key release.key --cert release.pem script
	ehr 126 launch -- ./script
	has err './script: is-script'
	ehr 0 launch --verify-only script
	echo '# more' >>script
	ehr 126 launch --verify-only script
	ln -s "$PWD/cat" link && cp cat.p7s link.p7s
	ehr 126 launch -- ./link
	has err './link: not-regular'
	mkdir folder
	ehr 126 launch -- ./folder
	has err not-regular
	mkfifo fifo
	ehr 126 launch -- ./fifo
	has err not-regular
	ehr 126 launch -- /dev/null
	has err not-regular
	printf 'no program' >text && ehr-policy sign --key release.key --cert release.pem text
	ehr 126 launch -- ./text
	has err './text: is-script: not a program in ELF, so the kernel would start an interpreter for it'
	ehr 0 launch --verify-only text
	# What a descriptor has is another file tomorrow; its names in /proc are links.
	exec 7<./sh
	for name in /proc/self/fd/7 /dev/fd/7 /proc/$$/fd/7 /proc/self/exe; do
		ehr 126 launch --signature sh.p7s --keep-fd 7 -- "$name" -c 'echo ran'
		has err "$name: not-regular"
		empty out
	done
	exec 7<&-
	ehr 0 launch -- /proc/self/cwd/sh -c 'echo ran'
	ehr 0 launch --signature cat.p7s -- ./cat <<<x
	ln cat hard
	ehr 126 launch -- ./hard
	has err signature-missing
}

@test "a file that is rewritten in place or replaced between the check and the start: the checked copy runs" {
	native || return 0
	own
	for change in 'cat evil >sh' 'mv evil sh' 'ln -sf evil sh' 'ln -f evil sh' 'cat evil >other'; do
		rm -f other sh && cp "$F/sh" sh && ln sh other && cp false evil
		ehr 0 env LD_PRELOAD="$EHR_FAULT_SO" EHR_FAULT_EXEC="$change" ehr-launch --trust ca.pem --crl ca.crl -- ./sh -c 'cat /proc/$$/exe'
		cmp out "$F/sh"
		cmp sh false
	done
}

@test "the running copy is sealed: nobody can write to it, or make a program of another length of it" {
	own
	ehr 0 launch -- ./sh -c 'ls -l /proc/$$/exe; (: >>/proc/$$/exe) 2>/dev/null && echo written; :'
	has out memfd:
	lacks out written
}

@test "the environment begins empty; what chooses code is never kept" {
	native || return 0
	own
	export SECRET=1 LANG=C LC_TIME=C TERM=dumb BASH_ENV=/nothere MINE=2
	ehr 0 env LD_PRELOAD="$EHR_FAULT_SO" ehr-launch --trust ca.pem --crl ca.crl --keep MINE -- ./env
	grep -v '^HOME=\|^USER=\|^LOGNAME=' out | sort >kept
	same kept <<-'END'
		LANG=C
		LC_ALL=C
		LC_TIME=C
		MINE=2
		PATH=/usr/local/bin:/usr/bin:/bin
		TERM=dumb
		TZ=UTC
	END
	local name
	for name in LD_PRELOAD LD_LIBRARY_PATH LD_ GCONV_PATH OPENSSL_CONF PKCS11_MODULE_PATH SOFTHSM2_CONF TPM2OPENSSL_TCTI BASH_ENV ENV GLIBC_TUNABLES PATH A=B; do
		ehr 2 launch --keep "$name" -- ./env
		has err "could bring code along"
	done
}

@test "descriptors are closed but those of --keep-fd" {
	own
	exec 7<ca.pem 8<ca.crl
	ehr 0 launch --keep-fd 8 -- ./sh -c 'cat <&8; cat <&7' || [ "$?" -ne 0 ]
	cmp out ca.crl
	ehr 2 launch --keep-fd 9 -- ./sh -c :
	has err 'not open'
	ehr 2 launch --keep-fd 2 -- ./sh -c :
	exec 7<&- 8<&-
}

@test "misuse is said, with 2" {
	own
	ehr 2 launch
	ehr 2 ehr-launch --crl ca.crl -- ./sh
	ehr 2 launch --now today -- ./sh
	ehr 2 launch --signed-after today -- ./sh
	ehr 2 launch --verify-only --keep HOME sh
	ehr 2 launch --verify-only --signature sh.p7s sh cat
}

@test "the examples of ehr-launch(1) run" {
	own
	awk '/^\.Sh EXAMPLES/ { on = 1 } /^\.Sh DIAGNOSTICS/ { on = 0 } on && /^\.Ed/ { block = 0 } on && sub(/^\.Dl /, "") { print } block
		on && /^\.Bd -literal/ { block = 1 }' "$EHR_ROOT/share/man/man1/ehr-launch.1" >commands
	[ "$(wc -l <commands)" -eq 3 ]
	certificate ca officer codeSigning
	mkdir bin && cp "$EHR_BIN/ehr-notify" bin
	line 0 '. ./commands'
	has out 'ehr-notify '
	printf x >>bin/ehr-notify
	line 126 'tail -n 2 commands | head -n 1 | bash'
	line 126 'tail -n 1 commands | bash'
}
