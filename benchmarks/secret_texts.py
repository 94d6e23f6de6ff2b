"""Secrets as vendors write them and as answers show them, and long values that are none: texts of our own, by seed.

- ``FORMATS`` are shapes that vendors publish (or that detectors other than ours look for), written down apart from the
  product's table, with the whole alphabet that a vendor names: the table must hold for them, it does not make them.
- ``TUNED_ON`` and ``REPORTED`` are ways to say a value. Rules were made looking at the first; figures are the second's.
- ``harmless`` draws what answers are full of and what is nobody's secret: digests, lock files, pictures, identities.
"""

import base64
import hashlib
from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple
from uuid import UUID


class Format(NamedTuple):
    """A kind of secret: what names it in a text, and its shape."""

    name: str
    shape: str


FORMATS: Final = tuple(
    Format(*row)
    for row in (
        ("aws", "(?:AKIA|ASIA)[A-Z0-9]{16}"),
        ("aws", "[A-Za-z0-9/+]{40}"),
        ("github", "gh[pousr]_[A-Za-z0-9]{36}"),
        ("github", "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
        ("gitlab", "glpat-[A-Za-z0-9_-]{20}"),
        ("gitlab", r"glpat-[A-Za-z0-9_-]{27}\.[0-9a-z]{2}\.[0-9a-z]{9}"),
        ("gitlab", "gl(?:rt|dt|ft)-[A-Za-z0-9_-]{20}"),
        ("slack", "xox[bp]-[0-9]{11,13}-[0-9]{11,13}-[A-Za-z0-9]{24}"),
        ("slack", "xapp-1-A[A-Z0-9]{10}-[0-9]{13}-[a-f0-9]{64}"),
        ("slack", r"https://hooks\.slack\.com/services/T[A-Z0-9]{8,10}/B[A-Z0-9]{8,10}/[A-Za-z0-9]{24}"),
        ("stripe", "[rs]k_(?:live|test)_[A-Za-z0-9]{24}"),
        ("stripe", "sk_live_51[A-Za-z0-9]{97}"),
        ("stripe", "whsec_[A-Za-z0-9]{32}"),
        ("openai", "sk-[A-Za-z0-9]{48}"),
        ("openai", "sk-proj-[A-Za-z0-9_-]{48}"),
        ("openai", "sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{74}T3BlbkFJ[A-Za-z0-9_-]{74}"),
        ("anthropic", "sk-ant-api03-[A-Za-z0-9_-]{93}AA"),
        ("anthropic", "sk-ant-api03-[A-Za-z0-9_-]{95}"),
        ("anthropic", "sk-ant-oat01-[A-Za-z0-9_-]{93}AA"),
        ("google", "AIza[A-Za-z0-9_-]{35}"),
        ("google", "GOCSPX-[A-Za-z0-9_-]{28}"),
        ("google", r"ya29\.[A-Za-z0-9_-]{68,200}"),
        ("huggingface", "hf_[A-Za-z0-9]{34}"),
        ("huggingface", "api_org_[A-Za-z0-9]{34}"),
        ("groq", "gsk_[A-Za-z0-9]{52}"),
        ("xai", "xai-[A-Za-z0-9]{80}"),
        ("replicate", "r8_[A-Za-z0-9]{37}"),
        ("perplexity", "pplx-[A-Za-z0-9]{48}"),
        ("openrouter", "sk-or-v1-[a-f0-9]{64}"),
        ("fireworks", "fw_[A-Za-z0-9]{24}"),
        ("nvidia", "nvapi-[A-Za-z0-9_-]{64}"),
        ("cerebras", "csk-[a-z0-9]{48}"),
        ("langfuse", "sk-lf-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"),
        ("npm", "npm_[A-Za-z0-9]{36}"),
        ("pypi", "pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{70,180}"),
        ("pypi", "pypi-AgENdGVzdC5weXBpLm9yZw[A-Za-z0-9_-]{70,180}"),
        ("rubygems", "rubygems_[a-f0-9]{48}"),
        ("crates", "cio[A-Za-z0-9]{32}"),
        ("docker", "dckr_pat_[A-Za-z0-9_-]{27}"),
        ("nuget", "oy2[a-z0-9]{43}"),
        ("sendgrid", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
        ("twilio", "SK[a-f0-9]{32}"),
        ("twilio", "[a-f0-9]{32}"),
        ("mailgun", "key-[a-f0-9]{32}"),
        ("mailchimp", r"[a-f0-9]{32}-us[0-9]{1,2}"),
        ("brevo", "xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
        ("telegram", "[0-9]{9,10}:[A-Za-z0-9_-]{35}"),
        ("discord", r"[MN][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}"),
        ("discord", r"https://discord\.com/api/webhooks/[0-9]{18,19}/[A-Za-z0-9_-]{68}"),
        ("digitalocean", "do[opr]_v1_[a-f0-9]{64}"),
        ("cloudflare", "[A-Za-z0-9_-]{40}"),
        ("heroku", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ("heroku", "HRKU-AA[A-Za-z0-9_-]{58}"),
        ("azure", "[A-Za-z0-9+/]{86}=="),
        ("azure", r"[A-Za-z0-9_]{3}[0-9]Q~[A-Za-z0-9_.~-]{34}"),
        ("azure", "[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"),
        ("datadog", "[a-f0-9]{32}"),
        ("datadog", "[a-f0-9]{40}"),
        ("newrelic", "NRAK-[A-Z0-9]{27}"),
        ("newrelic", "[a-f0-9]{36}NRAL"),
        ("grafana", "glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}"),
        ("grafana", "glc_[A-Za-z0-9+/]{60,160}"),
        ("sentry", "sntryu_[a-f0-9]{64}"),
        ("sentry", "sntrys_eyJ[A-Za-z0-9+/]{80,120}_[A-Za-z0-9+/]{43}"),
        ("databricks", "dapi[a-f0-9]{32}"),
        ("snowflake", "[A-Za-z0-9]{32}"),
        ("vault", r"hvs\.[A-Za-z0-9_-]{24}"),
        ("vault", r"hvs\.CAES[A-Za-z0-9_-]{90}"),
        ("vault", r"hvb\.[A-Za-z0-9_-]{138,160}"),
        ("terraform", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{67}"),
        ("doppler", r"dp\.(?:pt|ct|sa|audit|scim)\.[A-Za-z0-9]{43}"),
        ("doppler", r"dp\.st\.(?:dev|prd)\.[A-Za-z0-9]{43}"),
        ("pulumi", "pul-[a-f0-9]{40}"),
        ("linear", "lin_api_[A-Za-z0-9]{40}"),
        ("notion", "secret_[A-Za-z0-9]{43}"),
        ("notion", "ntn_[0-9]{11}[A-Za-z0-9]{35}"),
        ("figma", "figd_[A-Za-z0-9_-]{40}"),
        ("atlassian", "ATATT3xFfGF0[A-Za-z0-9_=-]{180}"),
        ("atlassian", "ATCTT3xFfGN0[A-Za-z0-9_=-]{180}"),
        ("shopify", "shp(?:at|ca|pa|ss)_[a-f0-9]{32}"),
        ("square", "EAAA[A-Za-z0-9_-]{60}"),
        ("square", "sq0csp-[A-Za-z0-9_-]{43}"),
        ("paypal", "A[A-Za-z0-9_-]{79}"),
        ("braintree", r"access_token\$production\$[a-z0-9]{16}\$[a-f0-9]{32}"),
        ("plaid", "[a-f0-9]{30}"),
        ("facebook", "EAA[A-Za-z0-9]{120,180}"),
        ("twitter", "AAAAAAAAAAAAAAAAAAAAA[A-Za-z0-9%]{70,90}"),
        ("dropbox", r"sl\.[A-Za-z0-9_-]{130,152}"),
        ("asana", "[0-9]/[0-9]{16}:[a-f0-9]{32}"),
        ("postman", "PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
        ("supabase", "sbp_[a-f0-9]{40}"),
        ("supabase", "sb_secret_[A-Za-z0-9_-]{31}"),
        ("planetscale", "pscale_tkn_[A-Za-z0-9_-]{43}"),
        ("netlify", "nfp_[A-Za-z0-9]{36}"),
        ("vercel", "[A-Za-z0-9]{24}"),
        ("render", "rnd_[A-Za-z0-9]{28}"),
        ("fly", "fo1_[A-Za-z0-9_-]{43}"),
        ("sonar", "sq[pua]_[a-f0-9]{40}"),
        ("jwt", r"eyJhbGciOiJ[A-Za-z0-9]{20,24}\.eyJ[A-Za-z0-9_-]{40,120}\.[A-Za-z0-9_-]{43}"),
        ("okta", "00[A-Za-z0-9_-]{40}"),
        ("auth0", "[A-Za-z0-9_-]{64}"),
        ("tailscale", "tskey-(?:auth|api)-[A-Za-z0-9]{12,17}-[A-Za-z0-9]{32}"),
        ("1password", "ops_eyJ[A-Za-z0-9+/]{260,300}"),
        ("airtable", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
        ("circleci", "CCIPAT_[A-Za-z0-9]{22}_[a-f0-9]{40}"),
        ("buildkite", "bkua_[a-f0-9]{40}"),
        ("contentful", "CFPAT-[A-Za-z0-9_-]{43}"),
        ("posthog", "ph[cx]_[A-Za-z0-9]{43}"),
        ("our", "[A-Za-z0-9]{20}"),
        ("our", "[A-Za-z0-9]{32}"),
        ("our", "[A-Za-z0-9_-]{43}"),
        ("our", "[a-f0-9]{40}"),
        ("our", "[a-f0-9]{64}"),
        ("our", "[A-Za-z0-9+/]{43}="),
    )
)

TUNED_ON: Final = (
    "The {w} token is {s} and it expires tomorrow.",
    "Your {w} API key: {s}. Keep it safe.",
    "**{w} secret key**: `{s}`",
    "Use the {w} token `{s}` for that.",
    "the {w} API key ({s})",
    "Set {W}_API_KEY to {s} first.",
    "log in to {w} with the token {s}",
    "Here is your {w} token:\n\n```\n{s}\n```\n",
    "{w} API key:\n{s}\n",
    "- **{w} API Key:** {s}\n- region: eu",
    "| name | value |\n|---|---|\n| {w} token | {s} |",
    "| {W}_TOKEN | `{s}` |",
    "{W}_TOKEN={s}\nPORT=80",
    'export {W}_API_KEY="{s}"',
    "ENV {W}_API_KEY {s}\n",
    '{"{w}_token": "{s}", "a": 1}',
    '{"name": "{W}_TOKEN", "value": "{s}"}',
    '{\\"{w}_token\\": \\"{s}\\"}',
    '- name: {W}_TOKEN\n  value: "{s}"\n',
    "{w}_token: |\n  {s}\n",
    "{w}_token: >-\n  {s}\n",
    "{w}:\n  api_key: {s}\n  region: eu",
    '"{w}": {\n  "apiKey": "{s}"\n}',
    "<{w}Token>{s}</{w}Token>",
    '<add key="{w}Token" value="{s}" />',
    '<entry name="{w}_token" value="{s}"/>',
    'client = {w}.Client(api_key="{s}")',
    '{w}.setApiKey("{s}");',
    'os.environ["{W}_API_KEY"] = "{s}"',
    'val {w}Token: String = "{s}"',
    "const {w}ApiKey: string = '{s}';",
    "define('{W}_API_KEY', '{s}');",
    'System.setProperty("{w}.token", "{s}")',
    'key = os.getenv("{W}_API_KEY", "{s}")',
    'process.env.{W}_TOKEN || "{s}"',
    '${w}Token ??= "{s}";',
    "{W}_TOKEN += {s}",
    "{w} login --token {s} --yes",
    "{w} deploy --api-key={s}",
    "https://api.{w}.com/v1/x?api_key={s}&page=2",
    "X-{w}-Token: {s}",
    "-H 'X-{w}-Api-Key: {s}'",
    "requests.get(u, headers={'Authorization': 'Bearer {s}'})  # {w}",
    "# {w} key {s}",
    "{w}_token -> {s}",
    "{w}.token    =    {s}",
    "{w}_token,{s},prod",
    "INSERT INTO secrets (name, value) VALUES ('{w}_token', '{s}');",
    'variable "{w}_token" {\n  default = "{s}"\n}',
    "machine {w}.com login me password {s}",
    "//registry.{w}.com/:_authToken={s}",
)
REPORTED: Final = (
    "Sure, here is the {w} key you asked for: {s}",
    'The {w} token is "{s}".',
    "<code>{W}_SECRET={s}</code>",
    "<tr><td>{w} token</td><td>{s}</td></tr>",
    "1. {w} token — `{s}`\n2. done",
    '  {w}-api-key: "{s}"',
    '[{w}]\ntoken = "{s}"\n',
    "[{w}]\nsecret_key={s}\n",
    "environment:\n  - {W}_TOKEN={s}\n",
    "helm upgrade --set {w}.token={s}",
    '$env:{W}_TOKEN = "{s}"',
    "set {W}_TOKEN={s}\r\n",
    'cfg := Config{{w}Token: "{s}"}',
    'let {w}_token: &str = "{s}";',
    'let {w}Token: String = "{s}"',
    "final String {w}ApiKey = '{s}';",
    ":{w}_token => '{s}',",
    "my ${w}_token = q({s});",
    '#define {W}_TOKEN "{s}"',
    "{w}.api.token={s}",
    '@Value("${{w}.token:{s}}")',
    '"{w}Token": {"Default": "{s}"}',
    'gh secret set {W}_TOKEN --body "{s}"',
    "vault kv put secret/{w} token={s}",
    "kubectl create secret generic {w} --from-literal=token={s}",
    "https://app.{w}.com/#access_token={s}&type=x",
    "https://api.{w}.com/?token={s}",
    "x-api-key: {s}\nHost: api.{w}.com",
    "Authorization: Token {s}",
    "headers = {'X-{w}-Token': '{s}'}",
    "{w}.configure(token='{s}')",
    'new {w}Client({ apiKey: "{s}" })',
    "$config['{w}_token'] = '{s}';",
    "INFO using {w} token {s} for login",
    "ok so the {w} secret would be {s}, do not share",
    "Der {w}-API-Key lautet: {s}",
    "{w} credentials\n  token:   {s}\n  region: eu",
    "- {w} token - {s}",
    "> {w} API key: `{s}`",
    '{"service":"{w}","token":"{s}"}',
    "{W}_KEY := {s}",
    "curl -H 'Authorization: Bearer {s}' https://api.{w}.com/v1",
)


def said(context: str, name: str, value: str) -> str:
    """Return ``value`` as ``context`` says it."""
    return context.replace("{w}", name).replace("{W}", name.upper()).replace("{s}", value)


def harmless(random: Random, count: int) -> Iterator[str]:
    """Yield answers with long values that are no secrets."""
    for _ in range(count):
        sha1, sha256, sha512 = random.randbytes(20).hex(), random.randbytes(32).hex(), random.randbytes(64)
        identity = UUID(bytes=random.randbytes(16), version=4)
        packed = base64.b64encode(sha512).decode()
        picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.randbytes(random.randint(200, 900))).decode()
        yield f"The fix is in commit {sha1}, see also {sha1[:10]}."
        yield f"commit {sha1}\nAuthor: Ada <ada@corp.org>\n\n    Rename the key of the cache\n"
        yield f"sha256: {sha256}  release.tar.gz\nmd5: {sha256[:32]}\n"
        yield f"FROM python:3.11@sha256:{sha256}\nRUN pip install x --hash=sha256:{sha256}\n"
        yield f'"integrity": "sha512-{packed}",\n"resolved": "https://registry.npmjs.org/a/-/a-1.2.3.tgz"'
        yield f"github.com/x/y v1.2.3 h1:{base64.b64encode(bytes.fromhex(sha256)).decode()}\n"
        yield f'<img src="data:image/png;base64,{picture}" alt="key figures">'
        yield f"![chart](data:image/png;base64,{picture})\nThe token counts are above."
        yield f'{{"id": "{identity}", "key": "value", "request_id": "{identity}"}}'
        yield f"The primary key is {identity} and the foreign key is {random.randint(10**9, 10**10)}."
        yield f"user_id = '{identity}'  # tenant {identity}\n"
        yield f"curl https://api.corp.org/v1/users/{identity}/posts?page={random.randint(1, 99)}&sort=created_at"
        yield f'etag: W/"{sha1}"\nx-request-id: {identity}\ntraceparent: 00-{sha256[:32]}-{sha256[:16]}-01\n'
        yield f"ssh-ed25519 {base64.b64encode(bytes.fromhex(sha256)).decode()} ada@laptop\nSHA256:{packed[:43]}\n"
        printed = ":".join(sha1[i : i + 2] for i in range(0, 40, 2))
        yield f"public_key = '{packed[:44]}'\nfingerprint: {printed}\n"
        yield f"block 0x{sha256} mined by 0x{sha1} at {random.randint(10**9, 2 * 10**9)}"
        yield "Read it from the environment: password = os.environ['DB_PASSWORD']; never write it down."
        yield f"The cache key is user:{random.randint(1, 10**6)}:profile, the token limit {random.randint(10, 9999)}."
        digest = hashlib.sha256(packed.encode()).hexdigest()
        yield f"assert sha256(b'{random.randint(1, 99)}').hexdigest() == '{digest}'"
