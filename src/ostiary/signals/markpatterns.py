"""Patterns in commands, queries, paths, roles and free text that say what is done, whatever the product.

Rules:
- Each comes from documented semantics: ATT&CK techniques, the LOLBAS project, OWASP attack classes, the vendors' own
  names of roles and of their components; the comment says which.
- No pattern can run long: the texts are cut (``marking.MAX_TEXT``) and no repetition holds another.
"""

import re
from typing import Final

from ostiary.vocabulary.facts import Mark

CHIEFS: Final = re.compile(
    r"(?i)(?:^|[^a-z])(?:administrator\w*|admin\w*|\w*[_-]admin|superadmin|super_admin|superuser|owner|root|"
    r"cluster-admin|accountadmin|securityadmin|sysadmin|orgadmin|poweruser\w*|fullaccess|full_access|\w*fullaccess|"
    r"\*:\*|system:masters|privileged|global_admin|globaladmin|org_admin|org_owner|\w+admin|user access "
    r"administrator|role_admin|impersonat\w*|contributor|editor|write_all|all_access)(?:$|[^a-z])"
)  # names of roles: Kubernetes, AWS managed policies, Azure and Google built-in roles, Snowflake system roles
PLATFORM_NAMES: Final = re.compile(
    r"(?i)\.amazonaws\.com$|^system:(?!serviceaccount:|anonymous|unauthenticated)|:system:|awsservicerolefor|aws-service-role|"
    r"^aks-|^aksservice|^azure-|^microsoft\.|@gcp-sa-|^service-\d+@|@cloudservices\.gserviceaccount|system:serviceaccount:kube-system:|"
    r"^eks:|^acsservice|^masterclient|^hcpservice|^(?:aws internal|cloudformation|autoscaling)$|^system[-_ ]user$|"
    r"^nt authority|^gke-"
)  # how Amazon, Microsoft, Google and Kubernetes name their own components
HOST_PATHS: Final = re.compile(
    r"(?:docker|containerd|crio)\.sock|^/(?:(?:proc|sys|etc|root|dev|run|boot|home|var/run|var/log|var/lib/kubelet|"
    r"var/lib/docker|usr)(?:/|$)|$)"
)
CAMEL_CHIEFS: Final = re.compile(r"(?:Admin|Administrator|Owner|Superuser|Root)(?=[A-Z]|[^a-z]|$)")
MANY_RIGHTS: Final = re.compile(r"(?i)(?:setting|user|role|polic|org|admin)\w*(?:modify|manage|write|delete|all)|^\*$")
INJECTION: Final = re.compile(
    r"`[^`]*\b(?:curl|wget|bash|sh|nc|rm|cat|echo|id|whoami|env|chmod|python\d?|perl)\b[^`]*`|\beval\s*\(|"
    r"\b(?:nc|ncat)\s+[\w.-]+\s+\d{2,5}\b|\b(?:curl|wget)\s+\S+\s*\||\$\(|\$\{\{|\$\{ifs|\|\s*(?:ba)?sh\b|;\s*(?:curl|wget|bash|sh|rm|nc)\b|&&\s*(?:curl|wget|bash|sh|rm)\b",
    re.IGNORECASE,
)  # shell and template injection, CWE-77 and CWE-94
SKIPS: Final = re.compile(
    r"(?i)\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]|skip-checks:\s*true"
)  # GitHub, GitLab
ENCODED_NAME: Final = re.compile(
    r"(?:^|\.)(?:(?=[^.]*\d)(?=[^.]*[A-Z])(?=[^.]*[a-z])[A-Za-z0-9+/_-]{20,}={0,2}|[A-Za-z0-9+/]{12,}={1,2}|[0-9a-f]{32,})(?:\.|$)"
)  # a label of a domain that is base64 or hexadecimal: T1071.004
OFFICE: Final = re.compile(
    r"(?i)\b(?:winword|excel|powerpnt|outlook|onenote|mspub|acrord32|acrobat)(?:\.exe)?\b"
)  # T1204
TOOLS: Final = re.compile(
    r"(?i)\b(?:nmap|masscan|netcat|ncat|nc|socat|ngrok|chisel|rclone|psexec\w*|cobalt\w*|meterpreter|"
    r"metasploit|bloodhound|sharphound|rubeus|anydesk|teamviewer|screenconnect|splashtop|atera|logmein|"
    r"rustdesk|ammyy|dwagent|radmin|vnc\w*|xmrig|miner\w*|\w*miner|stratum|hydra|sqlmap|nikto|gobuster|ffuf|"
    r"responder|crackmapexec|impacket\w*|evil-?winrm|lazagne|kali|parrot|pentoo|pacu|tor|trufflehog|stratus\S*|"
    r"cloudfox|scoutsuite|prowler|nuclei|burp\w*|zgrab|kube-hunter|peirates)\b"
)
COMMANDS: Final[tuple[tuple[re.Pattern[str], Mark], ...]] = (
    (
        re.compile(
            r"(?i)mimikatz|lsass|ntds(?:\.dit|util)|sekurlsa|procdump|/etc/shadow|\.aws/credentials|secretsdump|"
            r"vssadmin|sam\.hive|reg(?:\.exe)?\s+save|169\.254\.169\.254|id_rsa|keychain|\bsecurity\s+(?:dump|find)|"
            r"mfa|comsvcs|credential|password|\bsecrets?\b|\.kube/config|\btoken"
        ),
        Mark.READS_SECRET,
    ),
    (
        re.compile(
            r"(?i)-e(?:nc|ncodedcommand|c)?\s+[\"']?[a-z0-9+/=]{12,}|frombase64|base64\s+-?-?d|\bbase64\b|certutil.*-decode|"
            r"\\x[0-9a-f]{2}|%[0-9a-f]{2}%[0-9a-f]{2}|[a-z0-9+/]{80,}={0,2}|"
            r"(?-i:(?:^|[\s\"'=])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*\d)"
            r"[A-Za-z0-9+/]{20,}={0,2}(?:[\"'\s]|$))"
        ),
        Mark.ENCODED,
    ),
    (
        re.compile(
            r"(?i)\b(?:bash|zsh|sh|cmd|powershell|pwsh|wscript|cscript|mshta|rundll32|regsvr32|python\d?|perl|ruby|"
            r"php|node|osascript|sudo|su|xp_cmdshell|psexec\w*|wmic|winrm|invoke-\w+|iex)(?:\.exe)?\b|"
            r"/bin/(?:ba)?sh|\bssh\b|/dev/tcp|\s-e\s+\S*(?:sh|cmd)"
        ),
        Mark.INTERACTIVE,
    ),
    (TOOLS, Mark.TOOL),
    (
        re.compile(
            r"(?i)(?:^|[\\/\s\"])(?:at|schtasks|certutil|mshta|rundll32|regsvr32|msbuild|installutil|cmstp|bitsadmin|"
            r"wmic|forfiles|odbcconf|msiexec|cscript|wscript|diskshadow|esentutl|extrac32|makecab|pcalua|regasm|regsvcs|"
            r"ntdsutil|desktopimgdownldr|certreq|ftp|hh|ieexec|infdefaultinstall|mavinject|msdt|presentationhost|"
            r"scriptrunner|syncappvpublishingserver|xwizard)\.exe"
        ),
        Mark.RUNS_CODE,
    ),  # programs of Windows itself that run others (LOLBAS project)
    (
        re.compile(r"(?i)\b(?:nc|ncat|netcat|socat)(?:\.exe)?\s.*(?:-e|-c|--exec|exec:)\b|/dev/tcp/|\bsh\s+-i\b"),
        Mark.FORWARDS,
    ),  # a shell handed to somebody else
    (
        re.compile(
            r"(?i)set\s+disabled\s*=\s*'?false|\benable-\w*(?:user|account)|/active:yes|\badd-trusted-cert|rsa_public_key|set\s+password"
        ),
        Mark.ADDS_CREDENTIAL,
    ),
    (re.compile(r"(?i)set\s+disabled\s*=\s*'?true|\bdisable-\w*user|/active:no"), Mark.CHANGES_POLICY),
    (
        re.compile(r"(?i)\b(?:curl|wget|bitsadmin|ftp|scp|tftp|invoke-webrequest|certutil|aria2c|rsync)\b|https?://"),
        Mark.EXTERNAL,
    ),
    (
        re.compile(
            r"(?i)\brm\s+-\w*r|\bdel\s+/|format\s+[a-z]:|\bdrop\s+(?:table|database|schema|user|role)|\btruncate\b|"
            r"delete\s+shadows|cipher\s+/w|\bshred\b|\bdelete\s+from\b|bcdedit|wbadmin\s+delete"
        ),
        Mark.DESTROYS,
    ),
    (
        re.compile(
            r"(?i)wevtutil(?:\.exe)?\s+cl|clear-eventlog|history\s+-c|unset\s+histfile|auditpol|/var/log|\blog\w*\s+(?:off|stop)|"
            r"unset\s+\w*log|setenforce|rm\s.*\.log"
        ),
        Mark.HIDES_TRACES,
    ),
    (
        re.compile(
            r"(?i)netsh\s+(?:adv)?firewall|set-mppreference|sc\s+stop|taskkill|\bkill(?:all)?\b|disable-\w+|ufw\s+disable|"
            r"iptables\s+-F|csrutil|spctl|xattr\s+-d|com\.apple\.quarantine|gatekeeper|systemctl\s+(?:stop|disable)|"
            r"network\s+policy|unload"
        ),
        Mark.DISABLES_PROTECTION,
    ),
    (
        re.compile(
            r"(?i)\bgrant\b|\bnet\s+(?:user|localgroup)|useradd|usermod|add-localgroupmember|dsadd|chmod\s+[+0-7]*[sx7]|"
            r"\bcreate\s+(?:user|role)|\balter\s+(?:user|role|account)|visudo|sudoers|\badmin\w*"
        ),
        Mark.GRANTS_PRIVILEGE,
    ),
    (
        re.compile(
            r"(?i)\bcopy\s+into\s+'?(?:@|s3:|azure:|gcs:)|\bunload\b|\bget\s+@|\bput\s+file|mysqldump|pg_dump|\btar\s+-?c|\bzip\b|7z\s+a|"
            r"select\s+\*|\bbackup\b|\bexport\b|\bcreate\s+(?:or\s+replace\s+)?(?:temp\w*\s+)?stage"
        ),
        Mark.BULK,
    ),
    (
        re.compile(
            r"(?i)whoami|\bnet\s+(?:view|group)|systeminfo|ipconfig|ifconfig|nltest|dsquery|\bps\s+aux|information_schema|"
            r"\bshow\s+(?:tables|grants|users)|get-ad\w+|adfind|\bfind\s+/|\bls\b|netstat|arp\s+-a|tasklist|"
            r"account_usage"
        ),
        Mark.LISTS,
    ),
    (
        re.compile(
            r"(?i)schtasks|crontab|launchctl|launchagents|launchdaemons|currentversion\\run|new-service|sc\s+create|"
            r"authorized_keys|systemctl\s+enable|rc\.local|cron\.d|startup|plist|extension"
        ),
        Mark.RUNS_CODE,
    ),
)  # command lines, queries and paths: ATT&CK T1003, T1027, T1059, T1219, T1105, T1485, T1070, T1562, T1098
WEB_ATTACK: Final = re.compile(
    r"(?i)sqli|\bxss|ssrf|\brce\b|\blfi\b|\brfi\b|traversal|\.\./|injection|log4j|jndi:|union\s+select|<script|"
    r"etc/passwd|cmd=|169\.254|shellshock|badinput|exploit|deserial|wp-|phpmyadmin|\.env\b|\.git/"
)  # OWASP attack classes
