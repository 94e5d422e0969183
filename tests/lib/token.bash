# shellcheck shell=bash
# A TPM and an HSM for tests: swtpm and SoftHSM, started by the test itself, as an ordinary user, in its own folder.
#
#	tpm_start      a TPM 2.0 in $PWD/tpm, reached by $TPM2OPENSSL_TCTI; skips the test where the packages are missing
#	tpm_parent H PIN    a parent key of authorization PIN at the persistent handle H
#	tpm_pem FILE H PIN KEYPIN     a key pair that the parent wraps, in a TSS2 PEM file
#	tpm_handle H KEYPIN [ATTRIBUTES]   a key pair at a persistent handle
#	tpm_stop       what teardown calls; harmless without a TPM
#	hsm_start      an empty SoftHSM in $PWD/tokens
#	hsm_token NAME PIN    a token with the key pairs sig and enc
#	hsm_uri TOKEN OBJECT  its URI, without a PIN
#
# A socket's path has at most 107 bytes, so the TPM has a folder of its own below /tmp.

tpm_has() {
	local tool
	for tool in swtpm tpm2_createprimary tpm2_create; do
		command -v "$tool" >/dev/null || skip "swtpm or tpm2-tools is not there"
	done
	[ -e "$(openssl version -m | cut -d'"' -f2)/tpm2.so" ] || skip "tpm2-openssl is not there"
}

tpm_start() {
	tpm_has
	TPM=$(mktemp -d /tmp/tpm.XXXXXX)
	echo "$TPM" >"$BATS_TEST_TMPDIR/tpm.folder"
	tpm_again
	tpm2_dictionarylockout --setup-parameters --max-tries=1000 --recovery-time=10 --lockout-recovery-time=10
}

# A power cycle: what is persistent stays.
tpm_again() {
	swtpm socket --tpm2 --tpmstate dir="$TPM" --flags not-need-init,startup-clear --daemon --pid file="$TPM/pid" \
		--server type=unixio,path="$TPM/sock" --ctrl type=unixio,path="$TPM/sock.ctrl" 3>&-
	while [ ! -S "$TPM/sock" ]; do sleep 0.02; done
	export TPM2TOOLS_TCTI=swtpm:path=$TPM/sock TPM2OPENSSL_TCTI=swtpm:path=$TPM/sock TSS2_LOG=all+none
}

tpm_stop() {
	[ -e "$BATS_TEST_TMPDIR/tpm.folder" ] || return 0
	TPM=$(cat "$BATS_TEST_TMPDIR/tpm.folder")
	if [ -e "$TPM/pid" ]; then
		tpm2_shutdown 2>/dev/null || true
		kill "$(cat "$TPM/pid")" 2>/dev/null || true
	fi
	rm -rf "$TPM" "$BATS_TEST_TMPDIR/tpm.folder"
}

tpm_parent() {
	tpm2_createprimary -Q -C o -g sha256 -G ecc -p "$2" -c parent.ctx
	tpm2_flushcontext -t
	tpm2_evictcontrol -Q -C o -c parent.ctx "$1"
	tpm2_flushcontext -t
}

tpm_pem() {
	openssl genpkey -provider tpm2 -provider default -propquery '?provider=tpm2,tpm2.digest!=yes' -algorithm EC \
		-pkeyopt group:P-256 -pkeyopt parent:"$2" -pkeyopt parent-auth:"$3" -pkeyopt user-auth:"$4" -out "$1"
	chmod 600 "$1"
}

tpm_handle() {
	tpm2_createprimary -Q -C o -G ecc -c owner.ctx
	tpm2_flushcontext -t
	tpm2_create -Q -C owner.ctx -G ecc256:null:null -g sha256 -u k.pub -r k.priv -p "$2" \
		-a "${3:-fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt|sign|noda}"
	tpm2_flushcontext -t
	tpm2_load -Q -C owner.ctx -u k.pub -r k.priv -c k.ctx
	tpm2_flushcontext -t
	tpm2_evictcontrol -Q -C o -c k.ctx "$1"
	tpm2_flushcontext -t
}

HSM_MODULE=/usr/lib/softhsm/libsofthsm2.so

hsm_start() {
	[ -e "$HSM_MODULE" ] || skip "softhsm2 is not there"
	command -v pkcs11-tool >/dev/null || skip "opensc is not there"
	[ -e "$(openssl version -e | cut -d'"' -f2)/pkcs11.so" ] || skip "libengine-pkcs11-openssl is not there"
	mkdir tokens
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$PWD/tokens" >softhsm2.conf
	export SOFTHSM2_CONF=$PWD/softhsm2.conf
}

hsm_token() {
	softhsm2-util --init-token --free --label "$1" --so-pin so-pin --pin "$2" >/dev/null
	for object in sig enc; do
		pkcs11-tool --module "$HSM_MODULE" --token-label "$1" --login --pin "$2" --keypairgen --key-type EC:prime256v1 \
			--label "$object" --id "$([ "$object" = sig ] && echo 01 || echo 02)" --usage-sign --usage-derive >/dev/null 2>&1
	done
}

hsm_uri() {
	echo "pkcs11:token=$1;object=$2;type=private?module-path=$HSM_MODULE"
}
