from django.db import migrations

# The twin of orgtree/text.py's `words` (a test holds them equal), on top of hoso_plain; its body is parsed here and now as well.
WORDS = r"""
CREATE FUNCTION public.hoso_words(value text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN string_to_array(
    btrim(
        regexp_replace(translate(public.hoso_plain(value), 'ƀɃ''’‘ʼ`´', 'bb'), '[\x01-/:-@\[-`{-\x7f]+', ' ', 'g'),
        ' '
    ),
    ' '
)
"""


class Migration(migrations.Migration):
    dependencies = [("orgtree", "0001_initial")]

    operations = [migrations.RunSQL(sql=WORDS, reverse_sql="DROP FUNCTION public.hoso_words(text)")]
