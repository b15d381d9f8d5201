"""Makes ``from factory import make_record`` work in every test folder."""
