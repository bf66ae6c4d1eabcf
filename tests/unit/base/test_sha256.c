#include "base/sha256.h"

#include <string.h>

#include "support/support.h"

static void assert_hex(const unsigned char *got, const char *want)
{
	char text[2 * SHA256_BYTES + 1];

	for (int i = 0; i < SHA256_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", got[i]);
	assert_string_equal(text, want);
}

/* FIPS 180-4's examples; the lengths lie on both sides of a block's end. */
static void digests_are_the_standards(void **state)
{
	static const struct { const char *text, *want; } c[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
		  "lmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	};
	unsigned char got[SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++)
		for (size_t step = 1; step < 70; step += 7) {
			const size_t n = strlen(c[i].text);
			struct sha256 s;

			sha256_init(&s);
			for (size_t at = 0; at < n; at += step)
				sha256_add(&s, c[i].text + at, n - at < step ? n - at : step);
			sha256_end(&s, got);
			assert_hex(got, c[i].want);
		}
}

/* RFC 4231, test cases 1, 2 and 6: a short key, a word, one longer than a block. */
static void codes_are_the_rfcs(void **state)
{
	unsigned char key[131], got[SHA256_BYTES];
	struct hmac m;

	(void)state;
	memset(key, 0x0b, 20);
	hmac_init(&m, key, 20);
	hmac_add(&m, "Hi There", 8);
	hmac_end(&m, got);
	assert_hex(got, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hmac_init(&m, "Jefe", 4);
	hmac_add(&m, "what do ya want ", 16);
	hmac_add(&m, "for nothing?", 12);
	hmac_end(&m, got);
	assert_hex(got, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key);
	hmac_init(&m, key, sizeof key);
	hmac_add(&m, "Test Using Larger Than Block-Size Key - Hash Key First", 54);
	hmac_end(&m, got);
	assert_hex(got, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void every_byte_counts(void **state)
{
	unsigned char a[SHA256_BYTES] = { 0 }, b[SHA256_BYTES] = { 0 };

	(void)state;
	assert_true(sha256_same(a, b, sizeof a));
	for (size_t i = 0; i < sizeof a; i++) {
		b[i] = 1;
		assert_false(sha256_same(a, b, sizeof a));
		b[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_the_standards),
		cmocka_unit_test(codes_are_the_rfcs),
		cmocka_unit_test(every_byte_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
