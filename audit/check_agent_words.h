/* SPDX-License-Identifier: MIT
 * Words of orders to assistants, in small letters, NULL at the end of each list;
 * "*" at the end of one: letters may follow.  See audit/check_agent_order.c.
 */
#ifndef AUDIT_CHECK_AGENT_WORDS_H
#define AUDIT_CHECK_AGENT_WORDS_H

#include "base/base.h"

#define WORDS(name, ...)                                                       \
	static const char *const agent_##name[] = {__VA_ARGS__, NULL}

/* Who is spoken to, */
WORDS(names, "ai", "ais", "llm", "llms", "a.i.", "agent", "agents", "assistant",
    "assistants", "copilot", "claude", "chatgpt", "codex", "cursor",
    "language model", "language models", "chatbot", "chatbots",
    "automated reviewer", "automated reviewers", "ai reviewers", "ai reviewer",
    "bots");
/* how, in front */
WORDS(hey, "note to", "notice to", "message to", "message for", "attention",
    "dear", "hey", "hello", "if you are", "if you're", "you are", "to all",
    "to any", "instructions for", "instruction for", "important for",
    "important to", "for use by", "note for");
/* and behind the name. */
WORDS(must, ":", ",", "must", "should", "reading", "processing", "reviewing",
    "analyzing", "analysing", "inspecting", "who", "that", "have to", "need to",
    "are required", "are instructed", "\xe2\x80\x94", "-");

WORDS(not, "do not", "don't", "don\xe2\x80\x99t", "dont", "never", "must not",
    "mustn't", "should not", "shouldn't", "without", "not to", "not", "avoid",
    "cannot", "can't", "no", "refuse", "refuses");
WORDS(forget, "not forget", "n't forget", "never forget", "not fail",
    "never fail", "not hesitate", "not only", "no matter", "not optional",
    "never skip", "not skip");
WORDS(ignore, "ignore", "ignores", "disregard", "forget", "override", "bypass",
    "discard", "suppress", "dismiss", "skip");
WORDS(former, "previous", "prior", "earlier", "above", "preceding", "former",
    "existing", "original", "your", "all", "any", "system", "other", "safety");
WORDS(instructions, "instruction", "instructions", "prompt", "prompts", "rules",
    "guidelines", "directives", "directions", "policies", "safeguards");

WORDS(tell, "tell", "telling", "inform", "informing", "mention", "mentioning",
    "mentioned", "notify", "notifying", "reveal", "revealing", "disclose",
    "disclosing", "show", "showing", "alert", "alerting", "warn", "warning",
    "expose", "display", "reported to", "shown to", "revealed to",
    "disclosed to", "visible to", "report");
WORDS(user, "the user", "user", "users", "the human", "human", "humans",
    "the developer", "developer", "developers", "anyone", "anybody",
    "the operator", "the owner", "the maintainer", "maintainers", "the summary",
    "summary", "your response", "your answer", "your output", "this", "it",
    "these");
/* "do not tell the user to run it": run it */
WORDS(to, "to", "how", "that they", "they");
WORDS(told, "be mentioned", "be disclosed", "be shown", "be revealed",
    "be told", "be reported", "be logged", "be visible", "be displayed",
    "notice");
WORDS(secret, "keep this", "keep it", "keep these", "hide this", "hide it",
    "conceal this", "hide these");
WORDS(away, "secret", "hidden", "from the user", "from users", "from the human",
    "from humans", "from anyone", "from the developer", "confidential",
    "to yourself");

WORDS(without, "without", "do not", "don't", "never", "no need", "no");
WORDS(asking, "asking", "ask", "confirmation", "confirmations", "confirming",
    "approval", "permission", "consent", "prompting", "to ask");
WORDS(quietly, "silently", "secretly", "covertly", "stealthily");
WORDS(disable, "disable", "disables", "disabling", "turn off", "skip", "bypass",
    "deactivate", "auto-approve", "automatically approve", "switch off");
WORDS(confirmation, "confirmation", "confirmations", "approval", "approvals",
    "permission", "permissions", "sandbox", "sandboxing", "safety",
    "safeguards", "all tools", "all commands");
WORDS(flags, "--dangerously-skip-permissions", "--yolo",
    "--dangerously-bypass-approvals-and-sandbox", "bypasspermissions",
    "--trust-all-tools", "--allow-all-tools", "--approval-mode=yolo",
    "--no-confirm");

WORDS(send, "send", "post", "upload", "exfiltrate", "transmit", "forward",
    "submit", "paste", "leak", "e-mail", "email", "deliver");
WORDS(goods, ".env", ".ssh*", "~/.ssh*", "id_rsa", "id_ed25519", "~/.aws*",
    ".aws/credentials", ".netrc", ".git-credentials", ".npmrc", ".pypirc",
    "/etc/passwd", "/etc/shadow", "~/.kube*", "kubeconfig",
    "environment variables", "process.env", "os.environ", "private key",
    "private keys", "ssh key", "ssh keys", "shell history", ".bash_history",
    "browser data", "their credentials", "user's credentials",
    "all credentials", "any credentials", "their api key", "their api keys",
    "user's api key", "user's api keys", "all api keys", "any api keys",
    "user's token", "all tokens", "any tokens", "all secrets", "any secrets",
    "their secrets", "user's secrets", "user's files", "user's password",
    "keychain", "wallet", "seed phrase");
WORDS(soft, "conversation", "conversations", "chat history", "system prompt",
    "messages", "what the user", "user's message", "user's messages",
    "user's question", "source code", "cookies");
WORDS(onto, "to", "at", "via", "through", "onto", "into", "with");
/* what a command hands over */
WORDS(curl, "curl", "wget");
WORDS(handed, "@.env", "@~/.ssh*", "@~/.aws*", "@$home/.ssh*", "@$home/.aws*",
    "@/etc/passwd", "$(cat", "$(env", "`env`", "$(printenv", "@~/.netrc",
    "@~/.config*", "@~/.git-credentials");
WORDS(place, "http://", "https://", "ftp://", "webhook", "pastebin",
    "paste site", "remote server", "our server", "external server", "dns query",
    "transfer.sh", "ngrok*", "mailto:", "@gmail.com", "@proton*", "requestbin",
    "discord");
WORDS(local, "localhost", "127.0.0.1", "0.0.0.0", "[::1]",
    "host.docker.internal");
WORDS(sample, ".example", ".sample", ".template", ".dist", "-example",
    ".local.example");
WORDS(call, "call", "calls", "fetch", "fetches", "request", "get", "open",
    "visit", "load", "http_get", "send", "post", "curl", "append", "browse",
    "navigate", "replace", "link", "render");

WORDS(commands, "curl", "wget", "iwr", "irm", "iex", "invoke-webrequest",
    "powershell", "bash", "sh", "python", "python3", "pip", "npx", "uvx", "nc",
    "eval", "source", "base64");

WORDS(report, "report", "reporting", "flag", "flagging", "raise", "list",
    "mention", "mark", "warn", "include", "output");
WORDS(findings, "finding", "findings", "issue", "issues", "warning", "warnings",
    "vulnerability", "vulnerabilities", "malicious", "suspicious", "problems",
    "risk", "risks", "alert", "alerts", "malware", "as unsafe", "security",
    "pickle", "scanner", "anything");
WORDS(answer, "answer", "respond", "reply", "say", "conclude", "rate", "mark",
    "classify", "label", "verdict");
WORDS(safe, "safe", "benign", "harmless", "no issues", "no findings",
    "approved", "lgtm", "as clean", "\"clean\"", "as trusted", "not malicious");
WORDS(unsafe, "unsafe", "harmful", "toxic", "or malicious", "dangerous");

/* What documentation of such attacks calls them. */
WORDS(lesson, "prompt injection", "prompt injections", "prompt-injection",
    "injection attack", "injection attacks", "jailbreak", "jailbreaks",
    "jailbreaking", "red team", "red-team", "red teaming", "adversarial prompt",
    "adversarial prompts", "injected instructions", "prompt attack",
    "prompt attacks");

#undef WORDS

#endif
