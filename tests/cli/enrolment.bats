# Devices that are enrolled where they are, after deployment: by a code, and by a certificate of their maker's.
load ../lib/ehr
load ../lib/keys
load ../lib/trust
load ../lib/ca

setup_file() {
	people
}

setup() {
	at_home
}

@test "enrolment after deployment: by a code, once, through a carrier that nobody trusts" {
	openssl rand -hex 16 >code
	chmod 600 code
	keys make --kind sensor --keys cuff --authority site/authority.jwks --code code >cuff.enrol
	[ "$(cut -d. -f2 cuff.enrol | unpadded | jq -r '.code_mac | length')" = 43 ]
	# A carrier puts its own device in the place, without the code or with another.
	keys make --kind sensor --keys own --authority site/authority.jwks >own.enrol
	no device-unknown keys enrol -S site --code code own.enrol
	openssl rand -hex 16 >guess
	chmod 600 guess
	no device-unknown keys enrol -S site --code guess cuff.enrol
	ehr 0 keys enrol -S site --code code cuff.enrol
	keys make --kind sensor --keys third --authority site/authority.jwks --code code >third.enrol
	no code-spent keys enrol -S site --code code third.enrol
	chmod 644 code
	ehr 4 keys enrol -S site --code code third.enrol
	echo short >guess
	ehr 2 keys enrol -S site --code guess third.enrol
	has err 'not a code, expected 32 hex digits'
}

# certified NAME EKU...: NAME.pem, which the maker's CA has issued for the key of cuff.key
certified() {
	local name=$1
	shift
	openssl req -x509 -new -CA maker.pem -CAkey maker.key -key cuff.key -days 730 -subj "/CN=$name" -extensions usr_cert "$@" -out "$name.pem" 2>/dev/null
}

@test "enrolment after deployment: by a certificate of the maker's, for the same key" {
	ca maker
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out cuff.key
	chmod 600 cuff.key
	enrolment() { ehr 0 keys make --kind sensor --keys "cuff-$1" --authority site/authority.jwks --sig cuff.key --cert "$1.pem" && cp out enrolment; }
	certified bare -addext keyUsage=critical,digitalSignature
	enrolment bare
	AT="$(date -u +%FT%TZ)" ehr 0 keys enrol -S site --ca maker.pem enrolment
	# What the maker's CA has not issued for this key, for this use, or has revoked, is no device's.
	ca other
	no device-unknown keys enrol -S site --ca other.pem enrolment
	ehr 6 keys enrol -S site --ca cuff.key enrolment
	has err 'not the certificate of a CA'
	AT="$(date -u -d '+3 years' +%FT%TZ)" no device-unknown keys enrol -S site --ca maker.pem enrolment
	cat maker.pem maker.crl >both
	own
	AT="$(date -u +%FT%TZ)" ehr 0 keys enrol -S site --ca both enrolment
	AT="$(date -u -d '+40 days' +%FT%TZ)" no device-unknown keys enrol -S site --ca both enrolment
	has err 'crl-expired'
	revoke maker bare
	cat maker.pem maker.crl >both
	AT="$(date -u +%FT%TZ)" no device-unknown keys enrol -S site --ca both enrolment
	has err 'its certificate: certificate-revoked: '
	# A list that cannot be read must not pass for none.
	for change in '/BEGIN X509 CRL/ { n; d }' '/END X509 CRL/ d' '/BEGIN X509 CRL/ { n; s/^./"/ }'; do
		{ cat maker.pem && sed "$change" maker.crl; } >both
		AT="$(date -u +%FT%TZ)" ehr 6 keys enrol -S site --ca both enrolment
		has err 'ehr-keys: both: '
		empty out
	done
	certified client -addext extendedKeyUsage=clientAuth
	enrolment client
	AT="$(date -u +%FT%TZ)" ehr 0 keys enrol -S site --ca maker.pem enrolment
	for use in serverAuth codeSigning; do
		certified $use -addext extendedKeyUsage=$use
		enrolment $use
		AT="$(date -u +%FT%TZ)" no device-unknown keys enrol -S site --ca maker.pem enrolment
		has err signer-usage
	done
	# Another's certificate does not make another's key mine; and none is none.
	ehr 0 keys make --kind sensor --keys own --authority site/authority.jwks --cert bare.pem
	cp out enrolment
	AT="$(date -u +%FT%TZ)" no device-unknown keys enrol -S site --ca maker.pem enrolment
	has err "it is not of this device's signing key"
	keys make --kind sensor --keys none --authority site/authority.jwks >enrolment
	no device-unknown keys enrol -S site --ca maker.pem enrolment
	has err 'the enrolment has no certificate'
	ehr 2 keys enrol -S site --ca maker.pem --expect "$JKT" enrolment
	ehr 2 keys make -P "$P" -S new --cert bare.pem
	for text in '' 'text' "$(head -n 3 bare.pem)" "$(sed 's/^MII/"II/' bare.pem)"; do
		echo "$text" >spoilt
		ehr 6 keys make --kind sensor --keys spoilt-keys --authority site/authority.jwks --cert spoilt
		has err 'spoilt: not certificates in PEM'
		[ ! -e spoilt-keys ]
	done
	ehr 4 keys make --kind sensor --keys spoilt-keys --authority site/authority.jwks --cert nothing
}
