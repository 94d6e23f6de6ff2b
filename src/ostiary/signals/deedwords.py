"""The words in which products name actions: what is done (verbs), to what (things), and what a pair of both means.

Rules:
- A word stands in the singular and in lower case; it may belong to several groups (a firewall protects and is network).
- Words come from the vendors' documented event names and from plain English, never from a detection rule.
- ``MEANINGS`` is read top to bottom; every line that fits adds its mark.
"""

from typing import Final

from ostiary.vocabulary.facts import Mark


def wordset(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


VERBS: Final[dict[str, str]] = {
    "make": "add create insert new invite invited register import enroll generate issue provision put upload attach "
    "associate link install deploy initialize join assemble submit replicate sent creation installation registration "
    "added created generated installed uploaded registered enrolled provisioned restore mint",
    "change": "update modify edit patch put set change replace reset rotate configure rename move transfer alter "
    "upsert write save toggle migrate convert enforce modification rotation updated modified edited changed rotated "
    "configured transferred merge override customize correct corrected renew reconfigure adjust extend expand shrink "
    "untag tag conf",
    "remove": "delete remove destroy drop purge terminate wipe detach revoke deregister unregister erase uninstall "
    "unlink disassociate clear cancel expire leave discard deleted removed destroyed revoked disconnect truncate "
    "deletion removal termination detachment destruction revocation disassociation deregistration deprovision "
    "unshare uninvite shutdown kill void voided deletecollection unassign",
    "stop": "disable stop suspend deactivate bypass skip dismiss ignore exclude exclusion suppress unblock mute "
    "pause off unenroll exempt disabled stopped suspended deactivated bypassed dismissed paused whitelist allowlist "
    "exception unquarantine release unlock downgrade disallow weaken resolve resolved close closed exempted trusted "
    "muted ignored lower relax offboard acknowledge acknowledged unenrolled unprotect unprotected deactivation "
    "suspension dismissal",
    "begin": "enable start launch initiate activate resume enabled activated reactivate on allow turn onboard "
    "unsuspend activation",
    "grant": "grant attach assign promote elevate authorize consent bind delegate escalate granted assigned promoted "
    "approve approved rolebinding clusterrolebinding roleassignment expanded delegated impersonation escalated",
    "read": "get read view retrieve fetch reveal access decrypt open preview select query show peek viewed accessed "
    "opened inspect batchget check display displayed",
    "list": "list describe enumerate search scan find discover lookup listed searched scanned head",
    "take": "bulk mass batchget export download copy snapshot backup dump archive clone extract unload pull mirror "
    "takeout exported downloaded copied archived cloned exfil exfiltration exfiltrate getbackup capture "
    "packetcapture trafficmirror",
    "share": "share publish expose public shared published publicly visibility exposed sharing",
    "run": "run execute invoke script executed ran started trigger launch",
    "ask": "request requested ask asked propose pending queued initiated",
    "shell": "exec command shell ssh rdp portforward serial terminal tty cmd powershell bash sendcommand runcommand "
    "attach",
    "enter": "login signin logon authenticate authentication assume session signon logged authn connect",
    "act_as": "impersonate assume switch masquerade impersonated assumed loginas imitate",
    "fail": "fail failed failure failures denied deny reject rejected blocked block error invalid refused "
    "unauthorized declined violation violated denial forbidden quarantined prevented unsuccessful lockout locked "
    "lock",
    "succeed": "success succeeded successful passed completed complete finished",
    "alert": "alert detect detection finding threat suspicious anomaly anomalous malicious malware phishing incident "
    "compromised leaked attack risk fraud breach detected warning abuse fraudulent ransomware leak stolen spoof "
    "canary decoy honeypot intrusion exploit hijack risky bruteforce exposure compromise suspected hijacked impostor "
    "phish violation",
}
THINGS: Final[dict[str, str]] = {
    "credential": "key accesskey apikey token secret password credential certificate passcode factor otp pat "
    "loginprofile keypair sv sas passkey recovery jwt cert authenticator webauthn fido mfadevice passphrase "
    "enrollment clientsecret sshkey keyvault authorizedkey signingkey thumbprint",
    "person": "user member account guest invitation collaborator employee principal identity person membership "
    "people invitee contact mailuser",
    "application": "application app serviceaccount serviceprincipal integration bot client connector consumer oauth "
    "oauth2 plugin extension webhook marketplace service addon mcp skill",
    "power": "admin administrator owner superuser root privileged super role permission privilege policy acl iam "
    "scope right entitlement binding assignment rbac group rolebinding roleassignment clusterrole clusterrolebinding "
    "passwordpolicy ownership grant team access accessentry superadmin capability",
    "chief": "admin administrator owner superuser root super privileged superadmin clusteradmin accountadmin global "
    "ownership organizationadmin elevate",
    "protection": "mfa 2fa twofactor sso saml firewall guardduty detector waf encryption kms scanning protection "
    "security defender antivirus quarantine shield macie backup retention versioning verification guard guardrail "
    "approval review restriction dlp antimalware conditional compliance signing dependabot vulnerability codescan "
    "safe verified passwordpolicy mfadevice sv validating mutating admission strong enforcement publicaccessblock "
    "recovery sensor prevention tls ssl allowlist whitelist requirement lock deletionprotection recyclebin hold "
    "mitigation defense phishing spam classifier threat stepverification multifactor rule detection alert",
    "trace": "log logs logging trail audit auditing flowlog diagnostic monitor monitoring sink siem selector "
    "recorder history alarm telemetry eventlog cloudtrail watch insight event activity logstream loggroup "
    "eventdatastore diagnosticsetting auditlog syslog",
    "network": "securitygroup firewall ingress egress route vpc subnet peering gateway dns domain zone allowlist "
    "whitelist ip network nacl endpoint proxy vpn port address cidr loadbalancer listener interface ipset networkacl "
    "hostedzone tunnel virtualnetwork networksecuritygroup accesslist trafficmirror acl",
    "storage": "bucket object blob database table snapshot image volume disk file share storage dataset data "
    "warehouse backup vault s3 rds folder document drive container storageaccount cluster schema stage page item "
    "attachment record db ebs workspace artifact index cosmos sql",
    "compute": "instance vm machine virtualmachine container pod function lambda job node workload daemonset cronjob "
    "task ec2 deployment notebook runner agent runbook automation kubernetes webapp statefulset replicaset server "
    "configmap startup userdata ecs eks hook playbook workflow ssm",
    "code": "repository repo branch workflow pipeline commit release package runner deploykey codespace action build "
    "tag pullrequest pull push code module artifact deploy environment fork workflowrun workflowjob protectedbranch",
    "message": "mail email message inbox forwarding channel mailbox envelope conversation chat inboxrule "
    "transportrule delegation smtp gmail meeting recording transcript",
    "tenant": "organization org tenant workspace project account subscription billing setting configuration "
    "directory enterprise settings config conf preference team company site plan",
    "trust": "sso saml federation federated idp identityprovider provider oidc samlprovider trust domain directory "
    "federationsettings openidconnectprovider crossaccount external trusted scim",
    "model": "model prompt assistant inference bedrock openai claude completion modelinvocation llm chatgpt finetune",
    "device": "device host laptop mobile sensor endpoint phone computer workstation",
    "public": "public anonymous anyone everyone world internet guest",
    "external": "external outside crossaccount foreign outbound thirdparty public guest partner federation",
}

_CHANGES: Final = ("make", "change", "remove", "grant", "begin", "stop")
_GIVES: Final = ("make", "change", "grant", "begin")
_TAKES_AWAY: Final = ("remove", "stop")
MEANINGS: Final[tuple[tuple[tuple[str, ...], tuple[str, ...], Mark], ...]] = (
    (_GIVES, ("credential",), Mark.ADDS_CREDENTIAL),
    (("make",), ("person", "application"), Mark.ADDS_PRINCIPAL),
    (("act_as",), (), Mark.ASSUMES_ROLE),
    (("take",), (), Mark.BULK),
    (("make", "change", "remove", "begin"), ("code",), Mark.CHANGES_CODE),
    ((*_CHANGES, "share"), ("network",), Mark.CHANGES_NETWORK),
    ((*_GIVES, "remove"), ("power",), Mark.CHANGES_POLICY),
    (_CHANGES, ("trust",), Mark.CHANGES_TRUST),
    (("remove",), (), Mark.DESTROYS),
    (_TAKES_AWAY, ("protection",), Mark.DISABLES_PROTECTION),
    (("share", "make", "grant", "begin"), ("external",), Mark.EXTERNAL),
    (("alert",), (), Mark.FLAGGED),
    (("grant", "make", "change", "act_as"), ("chief",), Mark.GRANTS_PRIVILEGE),
    (_TAKES_AWAY, ("trace",), Mark.HIDES_TRACES),
    (("shell",), (), Mark.INTERACTIVE),
    (("list",), (), Mark.LISTS),
    (("share",), ("public",), Mark.MAKES_PUBLIC),
    (("read", "list", "take"), ("credential",), Mark.READS_SECRET),
    (("make", "change", "run", "shell"), ("compute",), Mark.RUNS_CODE),
)
