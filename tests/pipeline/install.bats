load ../lib/ehr

# What make install puts somewhere works from there, whatever the folder, and make uninstall takes it away again.
@test "install: programs find their policies and channels by name, and uninstall leaves nothing" {
	make -s -C "$EHR_ROOT" install DESTDIR="$PWD/root" PREFIX=/usr >/dev/null
	find root -type f | sed 's,^root,,' | sort >files
	[ "$(grep -c '^/usr/bin/ehr-' files)" -eq "$(ls "$EHR_ROOT"/cmd | wc -l)" ]
	for file in man/man7/ehr.7 ehr/policies/hospital/policy.yaml ehr/completions/levels ehr/channels/file ehr/jq/fhir-r4.jq \
		bash-completion/completions/ehr-batch zsh/vendor-completions/_ehr fish/vendor_completions.d/ehr-batch.fish; do
		grep -qx "/usr/share/$file" files
	done
	[ "$(grep -rhoE '/[a-z/]*/bin/ehr-batch' root/usr/share/ehr/examples | sort -u)" = /usr/bin/ehr-batch ]
	# The pages name files where they are now.
	grep -rhoE '(/usr/)?share/(ehr/)?(jq|examples|channels)[A-Za-z0-9./-]*' root/usr/share/man | sed 's/\.$//' | sort -u >named
	grep -qxF /usr/share/ehr/jq/grants.jq named
	while read -r path; do [ -e "root$path" ] || echo "$path"; done <named >missing
	empty missing
	mkdir work && cd work
	PATH=$PWD/../root/usr/bin:$PATH
	echo '{"resourceType":"Patient","id":"p1"}' >in
	digest=$(ehr-classify -P hospital in | jq -r .ehr.policy)
	[ "$digest" = "$(ehr-classify -P ../root/usr/share/ehr/policies/hospital in | jq -r .ehr.policy)" ]
	ehr-keys make -P hospital -S site >/dev/null
	ehr-policy check -P hospital >out 2>&1
	has out /usr/share/ehr/policies/hospital/authz/
	lacks out /../
	ehr 0 ehr-policy help condition_seconds
	has out 'clinic/policy.yaml:'
	# The same where /proc does not say which program runs; the folder that is current is none to look in.
	if native; then
		printf '#!/bin/sh\ntouch ran\n' | tee ehr-ingest ehr-notify >/dev/null
		chmod +x ehr-*
		export EHR_FAULT=readlink:1
		[ "$(LD_PRELOAD=$EHR_FAULT_SO ehr-classify -P hospital in | jq -r .ehr.policy)" = "$digest" ]
		LD_PRELOAD=$EHR_FAULT_SO ehr-batch -S site in store
		unset EHR_FAULT
		[ ! -e ran ]
	fi
	cd ..
	env -u EHR_BIN PATH=/usr/bin:/bin bash root/usr/share/ehr/examples/demo.sh >out 2>err
	has out 'demo: done'
	make -s -C "$EHR_ROOT" uninstall DESTDIR="$PWD/root" PREFIX=/usr >/dev/null
	[ -z "$(find root -type f)" ]
}

# Where each shell looks by itself, below /usr/local and below /usr.
@test "install: the shells find the completions" {
	command -v zsh >/dev/null || skip "zsh is not there"
	for prefix in /usr/local /usr; do
		make -s -C "$EHR_ROOT" install DESTDIR="$PWD/root" PREFIX=$prefix >/dev/null
		(cd root && find . -name _ehr) | sed 's,^\.,,; s,/_ehr$,,' >place
		[ "$(zsh -fc 'print -l $fpath' | grep -cxFf place)" -eq 1 ]
		make -s -C "$EHR_ROOT" uninstall DESTDIR="$PWD/root" PREFIX=$prefix >/dev/null
		[ -z "$(find root -type f)" ]
	done
}

@test "install: a name that is here is no installed policy, and one that is nowhere is said" {
	mkdir hospital
	ehr 3 ehr-classify -P hospital
	grep -q 'hospital/policy.yaml' err
	ehr 3 ehr-classify -P no-such-policy
	grep -q '^ehr-classify: no-such-policy: No such file' err
}

@test "install: the Debian package names what it needs, and runs the demo from where it was unpacked" {
	# A package from somebody who keeps new files to herself is for all.
	(umask 077 && make -s -C "$EHR_ROOT" deb DEB="$PWD/ehr.deb" >/dev/null)
	dpkg-deb -c ehr.deb | grep -vE '^(d|-)rwxr-xr-x |^-rw-r--r-- ' >narrow || true
	empty narrow
	dpkg-deb -f ehr.deb Depends | tr ',' '\n' >needs
	for package in libc6 libssl3 libjq1 jq bash; do
		grep -qE "^ ?$package" needs
	done
	dpkg-deb -x ehr.deb root
	[ ! -e root/DEBIAN ]
	env -u EHR_BIN PATH=/usr/bin:/bin DEMO="$PWD/play" bash root/usr/share/ehr/examples/demo.sh >out 2>err
	grep -qxF 'demo: done' out
	grep -qF "$PWD/root/usr/bin" out
	grep -qxF '  76 of 76 versions of level V' out
}
