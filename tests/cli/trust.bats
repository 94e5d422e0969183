bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/ca

# Signatures of policies: ehr-policy sign and verify, and what each program makes of them.

setup_file() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital" F="$BATS_FILE_TMPDIR"
	cd "$F" || return 1
	ca ca
	certificate ca officer codeSigning
	cp -r "$P" policy
	ehr-policy sign --key officer.key --cert officer.pem policy
	ehr-keys make -P policy -S site >epoch
}

# A copy of the signed policy, of the site, and of the CA's files.
own() {
	rm -rf policy site
	cp -r "$F/policy" "$F/site" "$F"/ca.* "$F"/officer.* .
}

sign() {
	ehr-policy sign --key "$1.key" --cert "$1.pem" "${2:-policy}"
}

# refused WORD: a program does not take ./policy, for that reason, and writes nothing.
refused() {
	local word=$1
	shift
	echo '{"resourceType":"Patient","id":"p1"}' >record
	ehr 3 ehr-classify -P policy --trust ca.pem "$@" record
	empty out
	has err "ehr-classify: policy"
	has err ": policy-signature: $word: "
	ehr 3 ehr-policy verify -P policy --trust ca.pem "$@"
	empty out
	has err ": policy-signature: $word: "
}

@test "a policy is signed as a whole, and a stock CMS tool says the same of it, both ways" {
	own
	ehr 0 ehr-policy verify -P policy --trust ca.pem
	empty err
	has out "$(ehr-policy check -P policy 2>/dev/null | head -c 71)  hospital 2026-"
	(cd policy && find . -type f ! -name policy.p7s -printf '%P\0' | sort -z | xargs -0 sha256sum) >list
	[ "$(sha256sum <list | head -c 64)" = "$(cut -c8-71 out)" ]
	openssl cms -verify -binary -purpose any -inform DER -in policy/policy.p7s -content list -CAfile ca.pem -out /dev/null 2>said
	for md in sha256 sha384 sha512; do
		openssl cms -sign -binary -md $md -outform DER -in list -signer officer.pem -inkey officer.key -out policy/policy.p7s
		ehr 0 ehr-policy verify -P policy --trust ca.pem
	done
	certificate ca strong codeSigning -newkey rsa:3072 -nodes
	openssl cms -sign -binary -md sha256 -outform DER -in list -signer strong.pem -inkey strong.key -out policy/policy.p7s
	ehr 0 ehr-policy verify -P policy --trust ca.pem
}

@test "the signing time is that of --now" {
	own
	ehr 0 ehr-policy sign --key officer.key --cert officer.pem --now 2026-11-02T03:04:05Z policy
	openssl cms -cmsout -print -inform DER -in policy/policy.p7s | grep -A3 signingTime >signed
	has signed 'Nov  2 03:04:05 2026 GMT'
}

@test "a policy without signature, altered, added to, with a file gone or renamed is refused" {
	own && rm policy/policy.p7s && refused signature-missing
	own && sed -i 's/high/low/' policy/notify.yaml && refused signature-invalid
	own && echo >policy/more.tsv && refused signature-invalid
	own && mkdir -p policy/sub && echo >policy/sub/policy.yaml && refused signature-invalid
	own && rm policy/notify.yaml && refused signature-invalid
	own && mv policy/notify.yaml policy/notify2.yaml && refused signature-invalid
	own && echo '- [' >policy/policy.yaml && refused signature-invalid
	own && : >policy/policy.p7s && refused signature-invalid
	own && printf x >>policy/policy.p7s && refused signature-invalid
	own && ln -sf "$F/policy/policy.p7s" policy/policy.p7s
	ehr 3 ehr-classify -P policy --trust ca.pem record
	has err "policy/policy.p7s: a link"
	# No listing has a file of this name, so it stands in one place.
	own && echo 'x' >policy/authz/policy.p7s
	ehr 3 ehr-classify -P policy --trust ca.pem record
	empty out
	has err "policy/authz/policy.p7s: a signature in a folder of the policy, of which no digest has it"
	ehr 3 ehr-classify -P policy record
	empty out
	own && head -c 70000 /dev/zero >policy/policy.p7s
	ehr 4 ehr-classify -P policy --trust ca.pem record
}

@test "each bit of a signature counts, or the signature says the same without it" {
	own
	cp policy/policy.p7s whole
	local at size taken=0
	size=$(wc -c <whole)
	for ((at = 0; at < size; at += 7)); do
		cp whole policy/policy.p7s
		printf "\\x$(printf %02x $(($(od -An -tu1 -j $at -N1 whole) ^ 1)))" |
			dd of=policy/policy.p7s bs=1 seek=$at conv=notrunc status=none
		if ehr-policy verify -P policy --trust ca.pem >/dev/null 2>&1; then taken=$((taken + 1)); fi
	done
	[ "$taken" -le 2 ]
}

@test "a signature by another CA, another usage, several signers or a weak digest is refused" {
	own
	ca other
	certificate other officer2 codeSigning && sign officer2
	refused signature-invalid
	has err "does not lead to this CA"
	for use in serverAuth emailProtection anyExtendedKeyUsage; do
		certificate ca "c-$use" $use
		ehr 6 sign "c-$use"
		has err "c-$use.pem: signer-usage"
		(cd policy && find . -type f ! -name policy.p7s -printf '%P\0' | sort -z | xargs -0 sha256sum) >list
		openssl cms -sign -binary -md sha256 -outform DER -in list -signer "c-$use.pem" -inkey "c-$use.key" -out policy/policy.p7s
		refused signer-usage
	done
	local s='openssl cms -sign -binary -outform DER -in list -signer officer.pem -inkey officer.key -out policy/policy.p7s'
	for how in '-md sha1' '-md sha256 -nodetach' '-md sha256 -noattr' '-md sha256 -signer c-serverAuth.pem -inkey c-serverAuth.key'; do
		# shellcheck disable=SC2086
		$s $how
		refused signature-invalid
	done
	openssl cms -sign -binary -md sha256 -outform PEM -in list -signer officer.pem -inkey officer.key -out policy/policy.p7s
	refused signature-invalid
	openssl cms -encrypt -binary -outform DER -in list -out policy/policy.p7s officer.pem
	refused signature-invalid
	certificate ca short codeSigning -newkey rsa:2048 -nodes
	openssl cms -sign -binary -md sha256 -outform DER -in list -signer short.pem -inkey short.key -out policy/policy.p7s
	refused signature-invalid
	certificate ca wide codeSigning -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes
	openssl cms -sign -binary -md sha256 -outform DER -in list -signer wide.pem -inkey wide.key -out policy/policy.p7s
	refused signer-usage
}

# middle EKU: an intermediate CA of ca, limited to that use, which issues below.pem, for code
middle() {
	# shellcheck disable=SC2086
	openssl req -x509 -CA ca.pem -CAkey ca.key $P256 -days 730 -subj "/CN=middle" -extensions usr_cert \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign ${1:+-addext extendedKeyUsage=$1} \
		-keyout middle.key -out middle.pem 2>/dev/null
	certificate middle below codeSigning
	cat middle.pem >>below.pem
	(cd policy && find . -type f ! -name policy.p7s -printf '%P\0' | sort -z | xargs -0 sha256sum) >list
	openssl cms -sign -binary -md sha256 -outform DER -in list -signer below.pem -certfile middle.pem -inkey below.key -out policy/policy.p7s
}

@test "a CA issues certificates for the uses that it has itself, and a certificate that is no CA issues none" {
	own
	for use in '' codeSigning emailProtection,codeSigning anyExtendedKeyUsage; do
		middle "$use"
		ehr 0 ehr-policy verify -P policy --trust ca.pem
	done
	for use in emailProtection serverAuth; do
		middle $use
		refused signer-usage
	done
	certificate officer leaf codeSigning
	openssl cms -sign -binary -md sha256 -outform DER -in list -signer leaf.pem -certfile officer.pem -inkey leaf.key -out policy/policy.p7s
	refused signature-invalid
}

@test "certificates and revocation lists are held against the time" {
	own
	refused certificate-expired --now 2001-01-01T00:00:00Z
	refused certificate-expired --now "$(date -u -d '+3 years' +%FT%TZ)"
	ehr 0 ehr-policy verify -P policy --trust ca.pem --crl ca.crl
	refused crl-expired --crl ca.crl --now "$(date -u -d '+40 days' +%FT%TZ)"
	ca other
	refused crl-missing --crl other.crl
	: >none
	ehr 3 ehr-policy verify -P policy --trust ca.pem --crl none
	has err "none: crl-missing: "
	cp ca.crl before.crl
	revoke ca officer
	refused certificate-revoked --crl ca.crl
	cat before.crl ca.crl >both.crl
	refused certificate-revoked --crl both.crl
	ehr 0 ehr-policy verify -P policy --trust ca.pem
}

@test "a revoked signer cannot bring an older revocation list along" {
	own
	(cd policy && find . -type f ! -name policy.p7s -printf '%P\0' | sort -z | xargs -0 sha256sum) >list
	python3 "$EHR_ROOT/tests/lib/cms.py" policy/policy.p7s ca.crl
	openssl cms -cmsout -print -inform DER -in policy/policy.p7s | grep -q 'nextUpdate'
	ehr 0 ehr-policy verify -P policy --trust ca.pem --crl ca.crl
	revoke ca officer
	refused certificate-revoked --crl ca.crl
}

@test "--trust and --crl that are no CA and no list are refused before anything else" {
	own
	ehr 3 ehr-classify -P policy --trust officer.key record
	has err "officer.key: not the certificate of a CA in PEM"
	ehr 4 ehr-classify -P policy --trust nothere.pem record
	ehr 2 ehr-classify -P policy --crl ca.crl record
	has err "only together with --trust CA"
	cat ca.pem >torn.pem && head -c 300 officer.pem >>torn.pem
	ehr 3 ehr-classify -P policy --trust torn.pem record
	ehr 2 ehr-policy verify -P policy
	ehr 2 ehr-policy verify -P policy -S site
	has err "--trust CA, or a site with a trust.pem"
	ehr 2 ehr-policy verify --trust ca.pem
	ehr 2 ehr-policy verify --trust ca.pem policy
	has err "policy: a policy is named by --policy DIR"
	ehr 2 ehr-policy sign policy
	ehr 2 ehr-policy sign --key officer.key --cert officer.pem
	ehr 6 ehr-policy sign --key ca.key --cert officer.pem policy
	has err "not of this key"
}

# Each command that reads a policy, with "site" and "policy" in its words.
commands() {
	cat <<-'END'
		classify -P policy
		redact -P policy -S site
		seal -P policy -S site
		open -P policy -S site
		select -P policy -S site --grant none
		notify -P policy -S site
		authz -P policy -S site
		deliver init -P policy -S site
		deliver check -P policy -S site
		deliver run -P policy -S site --drain
		deliver prune -P policy -S site
		consent form -P policy
		consent render -P policy none
		consent import -P policy none
		consent export -P policy none
		keys make -P policy -S new
		keys rotate -P policy -S site
		keys pseudonym -P policy -S site --entities
		keys give -P policy -S site --device d --user u
		keys subscribe -P policy -S site --device d --user u --patient p
	END
}

@test "every program that reads a policy refuses one that --trust does not hold for, and takes one that it does" {
	own
	echo garbage >policy/extra
	local words
	while read -r words; do
		# shellcheck disable=SC2086
		ehr 3 ehr-$words --trust ca.pem --crl ca.crl </dev/null
		has err "policy-signature: signature-invalid"
		empty out
	done < <(commands)
	own
	while read -r words; do
		# shellcheck disable=SC2086
		ehr-$words --trust ca.pem --crl ca.crl </dev/null >out 2>err || :
		lacks err policy-signature
	done < <(commands)
}

@test "a site demands a signature by its trust.pem, and no option replaces its CA" {
	own
	cp ca.pem site/trust.pem
	ca mine
	certificate mine insider codeSigning
	sign insider
	local words
	while read -r words; do
		case $words in *'-S site'*) ;; *) continue ;; esac
		# shellcheck disable=SC2086
		ehr 3 ehr-$words </dev/null
		has err "policy-signature: signature-invalid: the signer's certificate does not lead to this CA (CA: site/trust.pem)"
		# shellcheck disable=SC2086
		ehr 3 ehr-$words --trust mine.pem </dev/null
		has err "(CA: site/trust.pem)"
	done < <(commands)
	own
	cp ca.pem site/trust.pem
	ehr 0 ehr-seal -P policy -S site </dev/null
	ehr 3 ehr-seal -P policy -S site --trust mine.pem </dev/null
	has err "(CA: mine.pem)"
	cp ca.crl site/trust.crl
	ehr 0 ehr-seal -P policy -S site </dev/null
	revoke ca officer && cp ca.crl site/trust.crl
	ehr 3 ehr-seal -P policy -S site </dev/null
	has err certificate-revoked
	rm site/trust.pem
	ehr 3 ehr-seal -P policy -S site </dev/null
	has err "site/trust.crl: policy-signature: trust.pem is missing beside this file"
}

@test "what stands in the place of a demand, but is none, stops the program: a link, also to nowhere, nothing, a folder, a FIFO" {
	own
	local place
	for place in site/trust.pem site/keys/trust.pem; do
		ln -s nowhere $place
		ehr 4 ehr-seal -P policy -S site </dev/null
		same err <<<"ehr-seal: $place: a symbolic link, not a file"
		ln -sf ../ca.pem $place
		ehr 4 ehr-seal -P policy -S site </dev/null
		rm $place
		: >$place
		ehr 3 ehr-seal -P policy -S site </dev/null
		has err "$place: not the certificate of a CA in PEM"
		rm $place
		mkdir $place
		ehr 4 ehr-seal -P policy -S site </dev/null
		rmdir $place
		mkfifo $place
		ehr 4 ehr-seal -P policy -S site </dev/null
		rm $place
	done
	ln -s nowhere site/trust.serial
	ehr 4 ehr-seal -P policy -S site --trust ca.pem </dev/null
	same err <<<'ehr-seal: site/trust.serial: a symbolic link, not a file'
}

@test "a key directory demands one, too, whatever site is named" {
	own
	cp ca.pem site/keys/trust.pem
	mkdir fake
	ehr 0 ehr-seal -P policy -S fake --keys site/keys </dev/null
	rm policy/policy.p7s
	for words in "seal -P policy -S site" "seal -P policy --keys site/keys" "seal -P policy -S fake --keys site/keys" \
		"redact -P policy --keys site/keys" "keys rotate -P policy -S site" "keys rotate -P policy -S fake --keys site/keys"; do
		# shellcheck disable=SC2086
		ehr 3 ehr-$words </dev/null
		has err "policy-signature: signature-missing"
	done
	# ehr-batch runs the engines itself, so the demand holds where no stage of its own is left.
	printf 'pipeline: 1\nstages: [ehr-ingest, ehr-classify, ehr-redact]\noutput: versions.ndjson\n' >policy/pipeline.yaml
	echo '{"resourceType":"Patient","id":"p1"}' >record
	for how in "--jobs 1" --piped; do
		# shellcheck disable=SC2086
		ehr 3 ehr-batch -P policy -S site $how record "out$how"
		has err "policy-signature: signature-missing"
		[ ! -e "out$how/record" ]
	done
}

@test "lines that were made under another policy are not sealed, so a demand at ehr-seal holds for the programs before it" {
	own
	cp ca.pem site/trust.pem
	cp -r policy mine
	sed -i 's/summary-says/summary-says/; $a # more' mine/classify.yaml
	echo '{"resourceType":"Patient","id":"p1"}' | ehr-classify -P mine 2>/dev/null >labelled
	ehr 5 ehr-redact -P policy -S site labelled
	has err other-policy
	ehr-redact -P mine --keys site/keys labelled >versions
	ehr 5 ehr-seal -P policy -S site versions
	has err other-policy
	empty out
}

@test "verify remembers the highest serial, and from then on every program refuses a lower one" {
	own
	cp ca.pem site/trust.pem
	cp -r policy old
	ehr 0 ehr-policy verify -P policy -S site
	cp site/trust.serial first
	ehr 0 ehr-policy verify -P policy -S site
	cmp first site/trust.serial
	waits_for site 'ehr-policy: site: waiting for another ehr-policy' ehr-policy verify -P policy -S site
	sed -i 's/^serial: .*/serial: 2027-01-01/' policy/policy.yaml && sign officer
	ehr 0 ehr-seal -P policy -S site </dev/null
	cmp first site/trust.serial
	ehr 0 ehr-policy verify -P policy -S site
	[ "$(jq -r .serial site/trust.serial)" = 2027-01-01 ]
	cp site/trust.serial second
	local words
	while read -r words; do
		case $words in *'-P policy -S site'*) ;; *) continue ;; esac
		# shellcheck disable=SC2086
		ehr 3 ehr-${words/-P policy/-P old} </dev/null
		has err "old: policy-signature: rolled-back: its serial is "
		has err ", and site/trust.serial has seen 2027-01-01"
	done < <(commands)
	ehr 3 ehr-policy verify -P old -S site
	has err rolled-back
	cmp second site/trust.serial
	ehr 0 ehr-policy verify -P old --trust ca.pem
}

@test "a number in a serial counts as a number" {
	own
	local low high
	while read -r low high; do
		rm -f site/trust.serial
		sed -i "s/^serial: .*/serial: \"$low\"/" policy/policy.yaml && sign officer
		ehr 0 ehr-policy verify -P policy --trust ca.pem -S site
		rm -rf old && cp -r policy old
		sed -i "s/^serial: .*/serial: \"$high\"/" policy/policy.yaml && sign officer
		ehr 0 ehr-policy verify -P policy --trust ca.pem -S site
		ehr 3 ehr-policy verify -P old --trust ca.pem -S site
		has err "rolled-back: its serial is $low, and site/trust.serial has seen $high"
	done <<-'END'
		9 10
		99999999999999999999 100000000000000000000
		2026-9-30 2026-10-01
		r9 r10
		1.9 1.10
		1.9 1.9.1
		9 a
		0 1
		1 01a
	END
	sed -i 's/^serial: .*/serial: "01a"/' policy/policy.yaml && sign officer
	ehr 0 ehr-policy verify -P policy --trust ca.pem -S site
	sed -i 's/^serial: .*/serial: "1a"/' policy/policy.yaml && sign officer
	ehr 3 ehr-policy verify -P policy --trust ca.pem -S site
	has err 'has seen its serial 1a with other files'
}

@test "the same serial with other files is refused, and policies of other names have serials of their own" {
	own
	cp ca.pem site/trust.pem
	ehr 0 ehr-policy verify -P policy -S site
	cp -r policy other && echo '# more' >>other/redact.yaml && sign officer other
	ehr 3 ehr-seal -P other -S site </dev/null
	has err "other: policy-signature: rolled-back: site/trust.serial has seen its serial"
	sed -i 's/^serial: .*/serial: 1999/; s/^name: .*/name: "ward \\" \\u00e4"/' other/policy.yaml && sign officer other
	ehr 0 ehr-policy verify -P other -S site
	ehr 0 ehr-policy verify -P policy -S site
	ehr 0 ehr-policy verify -P other -S site
	[ "$(wc -l <site/trust.serial)" -eq 2 ]
	sed -i 's/^serial: .*/serial: 1998/' other/policy.yaml && sign officer other
	ehr 3 ehr-seal -P other -S site </dev/null
	has err "its serial is 1998, and site/trust.serial has seen 1999"
}

@test "what is remembered is read strictly, and kept whole when it cannot be written" {
	own
	cp ca.pem site/trust.pem
	for text in '{"policy":"hospital"}' 'garbage' '{"policy":"hospital","serial":3,"digest":"x"}' ' '; do
		echo "$text" >site/trust.serial
		ehr 3 ehr-seal -P policy -S site </dev/null
		has err "site/trust.serial: policy-signature: a line is not as ehr-policy verify writes it"
		ehr 3 ehr-policy verify -P policy -S site
	done
	rm site/trust.serial
	: >in
	native || return 0 # a preloaded fault and a sanitizer's own functions exclude each other
	torture rename ehr-policy verify -P policy -S site
	[ -s site/trust.serial ]
	ehr 0 ehr-policy verify -P policy --keys site/keys --trust ca.pem
	[ -s site/keys/trust.serial ]
	ehr 0 ehr-keys list -S site
}

@test "the examples of ehr-policy(1) make a CA, a list, a signature, a site that demands it, and revoke" {
	awk '/^\.Ss sign/ { on = 1 } /^\.Ss verify/ { on = 0 } on && /^\.Ed/ { block = 0 } block { gsub(/\\e/, "\\"); print }
		on && /^\.Bd -literal/ { block = 1 }' "$EHR_ROOT/share/man/man1/ehr-policy.1" >commands
	[ "$(grep -c openssl commands)" -eq 6 ]
	cp -r "$F/site" .
	cp -r "$P" policy
	line 0 '. ./commands'
	ehr 3 ehr-seal -P policy -S site </dev/null
	has err certificate-revoked
	sed -i '/-revoke/,$d' commands
	sed -i '$d' commands
	rm -rf site ca.* officer.* index*
	cp -r "$F/site" .
	line 0 '. ./commands'
	has out "hospital 20"
	ehr 0 ehr-seal -P policy -S site --manifest manifest </dev/null
	ehr 0 ehr-policy sign --key host.key --cert host.pem manifest
	# Neither certificate is for what the other is, and the message says which page makes the right one.
	ehr 6 ehr-policy sign --key host.key --cert host.pem policy
	has err 'host.pem: signer-usage: '
	has err 'ehr-policy(1)'
	ehr 6 ehr-policy sign --key officer.key --cert officer.pem manifest
	has err 'officer.pem: signer-usage: '
	has err 'ehr-policy(1)'
}
