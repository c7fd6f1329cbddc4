/* SPDX-License-Identifier: MIT
 * Unicode Technical Standard #39 (confusables, mixed scripts), for the letters
 * that look like those of ASCII; and extensions behind extensions.
 */
#include "audit/check_name_look.h"

#include "base/text.h"

/* confusables.txt of UTS #39: Cyrillic, Greek and Armenian letters, and the
 * few Latin ones, that are drawn as an ASCII letter. */
static const struct {
	uint32_t cp;
	char ascii;
} letters[] = {{0x0430, 'a'}, {0x0435, 'e'}, {0x043e, 'o'}, {0x0440, 'p'},
    {0x0441, 'c'}, {0x0443, 'y'}, {0x0445, 'x'}, {0x0455, 's'}, {0x0456, 'i'},
    {0x0458, 'j'}, {0x04bb, 'h'}, {0x04cf, 'l'}, {0x0501, 'd'}, {0x051b, 'q'},
    {0x051d, 'w'}, {0x0433, 'r'}, {0x0410, 'A'}, {0x0412, 'B'}, {0x0415, 'E'},
    {0x041a, 'K'}, {0x041c, 'M'}, {0x041d, 'H'}, {0x041e, 'O'}, {0x0420, 'P'},
    {0x0421, 'C'}, {0x0422, 'T'}, {0x0425, 'X'}, {0x0406, 'I'}, {0x0405, 'S'},
    {0x0408, 'J'}, {0x03bf, 'o'}, {0x03b1, 'a'}, {0x03b9, 'i'}, {0x03bd, 'v'},
    {0x03c1, 'p'}, {0x03c5, 'u'}, {0x03ba, 'k'}, {0x0391, 'A'}, {0x0392, 'B'},
    {0x0395, 'E'}, {0x0396, 'Z'}, {0x0397, 'H'}, {0x0399, 'I'}, {0x039a, 'K'},
    {0x039c, 'M'}, {0x039d, 'N'}, {0x039f, 'O'}, {0x03a1, 'P'}, {0x03a4, 'T'},
    {0x03a5, 'Y'}, {0x03a7, 'X'}, {0x0570, 'h'}, {0x0578, 'n'}, {0x057d, 'u'},
    {0x0585, 'o'}, {0x0251, 'a'}, {0x0261, 'g'}, {0x0131, 'i'}, {0x0269, 'i'},
    {0x028f, 'y'}, {0x1d0f, 'o'}, {0x2010, '-'}, {0x2024, '.'}, {0xa731, 's'}};

static bool
looks_ascii(uint32_t cp)
{
	/* full width, and the mathematical alphabets */
	if ((cp >= 0xff21 && cp <= 0xff5a) || (cp >= 0x1d400 && cp <= 0x1d7ff))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		if (letters[i].cp == cp)
			return true;
	return false;
}

static bool
is_letter(uint32_t cp)
{
	return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

/* A word of letters of ASCII among which are some that only look so: no
 * language writes like that. */
static bool
mixed(const char *name)
{
	size_t len = strlen(name);
	bool ascii = false, alike = false, other = false;
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		if ((n = text_utf8_decode(name + i, len - i, &cp)) == 0)
			return false;
		if (is_letter(cp)) {
			ascii = true;
		} else if (looks_ascii(cp)) {
			alike = true;
		} else if (cp >= 0x80) {
			other = true; /* a word of that script, then */
		} else {
			if (ascii && alike && !other)
				return true;
			ascii = alike = other = false;
		}
	}
	return ascii && alike && !other;
}

static bool
unseen(const char *name)
{
	size_t len = strlen(name);
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		if ((n = text_utf8_decode(name + i, len - i, &cp)) == 0)
			return false;
		if (cp >= 0x80 && text_is_hidden(cp))
			return true;
	}
	return false;
}

/* --- extensions ---------------------------------------------------------- */

/* What a system runs when it is opened, */
static const char *const runs[] = {".exe", ".scr", ".com", ".pif", ".bat",
    ".cmd", ".ps1", ".vbs", ".vbe", ".jse", ".wsf", ".hta", ".lnk", ".msi",
    ".cpl", ".desktop", ".command"};
/* and what a person takes it for. */
static const char *const seems[] = {".onnx", ".pt", ".pth", ".safetensors",
    ".h5", ".hdf5", ".keras", ".tflite", ".gguf", ".pkl", ".pickle", ".npy",
    ".npz", ".ckpt", ".joblib", ".json", ".txt", ".md", ".csv", ".yaml", ".yml",
    ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".zip", ".tar", ".gz", ".doc",
    ".docx", ".xls", ".xlsx", ".bin"};

static bool
two_extensions(const char *name)
{
	char stem[256];
	size_t n = strlen(name);

	while (n > 0 && (name[n - 1] == ' ' || name[n - 1] == '.'))
		n--;
	if (n >= sizeof(stem))
		return false;
	memcpy(stem, name, n);
	stem[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		if (!text_ends_with(stem, runs[i]))
			continue;
		n -= strlen(runs[i]);
		/* spaces push it out of sight */
		while (n > 0 && stem[n - 1] == ' ')
			n--;
		stem[n] = '\0';
		for (size_t k = 0; k < ARRAY_LEN(seems); k++)
			if (text_ends_with(stem, seems[k]))
				return true;
		return false;
	}
	return false;
}

const char *
check_name_look(const char *name, bool hidden)
{
	if (hidden && unseen(name))
		return "its name holds characters that are not seen";
	if (mixed(name))
		return "its name holds letters that only look like ASCII";
	if (two_extensions(name))
		return "its name has an extension that it is not run by";
	return NULL;
}
