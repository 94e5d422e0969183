# shellcheck shell=bash
# For the tests of signatures: a CA and certificates of it, as ehr-policy(1) makes them.
#
#	ca NAME                   NAME.key, NAME.pem; and NAME.crl, which is empty
#	certificate CA NAME EKU   NAME.key, NAME.pem, for signatures with that extended key usage
#	revoke CA NAME            CA.crl names it

P256='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'

ca() {
	# shellcheck disable=SC2086
	openssl req -x509 $P256 -days 3650 -subj "/CN=$1" -addext keyUsage=critical,keyCertSign,cRLSign \
		-keyout "$1.key" -out "$1.pem" 2>/dev/null
	printf '[ca]\ndefault_ca=this\n[this]\ndatabase=%s.index\ndefault_md=sha256\n' "$1" >"$1.cnf"
	: >"$1.index"
	crl "$1"
}

crl() {
	openssl ca -config "$1.cnf" -gencrl -keyfile "$1.key" -cert "$1.pem" -crldays 30 -out "$1.crl" 2>/dev/null
}

certificate() {
	local c=$1 name=$2 eku=$3
	shift 3
	# shellcheck disable=SC2048,SC2086
	openssl req -x509 -CA "$c.pem" -CAkey "$c.key" ${*:-$P256 -days 730} -subj "/CN=$name" -extensions usr_cert \
		-addext keyUsage=critical,digitalSignature -addext extendedKeyUsage="$eku" \
		-keyout "$name.key" -out "$name.pem" 2>/dev/null
}

revoke() {
	openssl ca -config "$1.cnf" -keyfile "$1.key" -cert "$1.pem" -revoke "$2.pem" 2>/dev/null
	crl "$1"
}
