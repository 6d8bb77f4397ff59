app_name = "orgtree"
urlpatterns: list = []
